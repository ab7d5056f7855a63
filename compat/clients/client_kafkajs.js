// kafkajs: create, produce CODEC, consume. The oldest versions of the protocol that we meet.
const crypto = require('crypto')
const { CompressionTypes, Kafka, logLevel } = require('kafkajs')

const PARTITIONS = 3
const RECORDS = 10000
const key = i => `key-${i % 97}`
const value = i => `value-${i}-` + 'abcdefghij'.repeat(i % 7)
const timestamp = i => Number(process.env.COMPAT_TIMESTAMP_BASE) + i

const [command, bootstrap, topic, codec] = process.argv.slice(2)
const kafka = new Kafka({ clientId: 'compat', brokers: [bootstrap], logLevel: logLevel.ERROR })

async function create() {
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: PARTITIONS, replicationFactor: 1 }] })
  await admin.disconnect()
}

async function produce() {
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  const compression = codec === 'gzip' ? CompressionTypes.GZIP : CompressionTypes.None
  for (let start = 0; start < RECORDS; start += 500) {
    const messages = []
    for (let i = start; i < Math.min(start + 500, RECORDS); i++) {
      const headers = { writer: 'compat', colour: 'blue' }
      messages.push({ key: key(i), value: value(i), partition: i % PARTITIONS, headers, timestamp: String(timestamp(i)) })
    }
    await producer.send({ topic, compression, acks: -1, messages })
  }
  await producer.disconnect()
}

async function consume() {
  // kafkajs consumes in groups only: a group of its own, from the beginning.
  const admin = kafka.admin()
  await admin.connect()
  let left = (await admin.fetchTopicOffsets(topic)).reduce((sum, p) => sum + Number(p.high), 0)
  await admin.disconnect()
  const seen = {}
  for (let p = 0; p < PARTITIONS; p++) seen[p] = { count: 0, content: crypto.createHash('sha256'), full: crypto.createHash('sha256') }
  const consumer = kafka.consumer({ groupId: `kafkajs-${topic}-${process.pid}` })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error(`${left} records never came`)), 60000).unref()
    consumer.run({
      eachMessage: async ({ partition, message }) => {
        const headers = Object.entries(message.headers).map(([name, text]) => [name, text.toString()])
        const record = [message.key.toString(), message.value.toString(), headers]
        seen[partition].count++
        seen[partition].content.update(JSON.stringify(record) + '\n')
        seen[partition].full.update(JSON.stringify([...record, Number(message.timestamp)]) + '\n')
        if (--left === 0) resolve()
      }
    }).catch(reject)
  })
  await consumer.disconnect()
  for (const entry of Object.values(seen)) {
    entry.content = entry.content.digest('hex')
    entry.full = entry.full.digest('hex')
  }
  console.log(JSON.stringify(seen))
}

({ create, produce, consume })[command]().then(() => process.exit(0), error => { console.error(error); process.exit(1) })
