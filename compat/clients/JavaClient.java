import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.*;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.serialization.*;

/** Apache Kafka's Java client: create, produce CODEC, consume. */
public class JavaClient {
    static final int PARTITIONS = 3;
    static final int RECORDS = 10_000;
    static final long TIMESTAMP_BASE = Long.parseLong(System.getenv("COMPAT_TIMESTAMP_BASE"));

    public static void main(String[] arguments) throws Exception {
        switch (arguments[0]) {
            case "create" -> create(arguments[1], arguments[2]);
            case "produce" -> produce(arguments[1], arguments[2], arguments[3]);
            case "consume" -> consume(arguments[1], arguments[2]);
            default -> throw new IllegalArgumentException(arguments[0]);
        }
    }

    static void create(String bootstrap, String topic) throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", (Object) bootstrap))) {
            admin.createTopics(List.of(new NewTopic(topic, PARTITIONS, (short) 1))).all().get();
        }
    }

    static void produce(String bootstrap, String topic, String codec) throws Exception {
        Map<String, Object> config = new HashMap<>();
        config.put("bootstrap.servers", bootstrap);
        config.put("compression.type", codec);
        config.put("linger.ms", 5);
        try (Producer<String, String> producer =
                new KafkaProducer<>(config, new StringSerializer(), new StringSerializer())) {
            List<Future<RecordMetadata>> sent = new ArrayList<>();
            for (int i = 0; i < RECORDS; i++) {
                List<Header> headers = List.of(header("writer", "compat"), header("colour", "blue"));
                String value = "value-" + i + "-" + "abcdefghij".repeat(i % 7);
                sent.add(producer.send(new ProducerRecord<>(
                    topic, i % PARTITIONS, TIMESTAMP_BASE + i, "key-" + i % 97, value, headers)));
            }
            for (Future<RecordMetadata> future : sent) future.get();
        }
    }

    static Header header(String name, String text) {
        return new RecordHeader(name, text.getBytes(StandardCharsets.UTF_8));
    }

    static void consume(String bootstrap, String topic) throws Exception {
        Map<String, Object> config = Map.of("bootstrap.servers", bootstrap, "enable.auto.commit", "false");
        MessageDigest[] content = new MessageDigest[PARTITIONS];
        MessageDigest[] full = new MessageDigest[PARTITIONS];
        int[] count = new int[PARTITIONS];
        List<TopicPartition> partitions = new ArrayList<>();
        for (int p = 0; p < PARTITIONS; p++) {
            content[p] = MessageDigest.getInstance("SHA-256");
            full[p] = MessageDigest.getInstance("SHA-256");
            partitions.add(new TopicPartition(topic, p));
        }
        try (var consumer = new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer())) {
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            long left = consumer.endOffsets(partitions).values().stream().mapToLong(end -> end).sum();
            while (left > 0) {
                for (var record : consumer.poll(Duration.ofSeconds(5))) {
                    StringJoiner headers = new StringJoiner(",");
                    for (Header header : record.headers()) {
                        headers.add("[\"" + header.key() + "\",\"" + new String(header.value(), StandardCharsets.UTF_8) + "\"]");
                    }
                    String line = "[\"" + record.key() + "\",\"" + record.value() + "\",[" + headers + "]";
                    content[record.partition()].update((line + "]\n").getBytes(StandardCharsets.UTF_8));
                    full[record.partition()].update((line + "," + record.timestamp() + "]\n").getBytes(StandardCharsets.UTF_8));
                    count[record.partition()]++;
                    left--;
                }
            }
        }
        StringJoiner result = new StringJoiner(",", "{", "}");
        for (int p = 0; p < PARTITIONS; p++) {
            result.add("\"" + p + "\":{\"count\":" + count[p] + ",\"content\":\"" + hex(content[p])
                + "\",\"full\":\"" + hex(full[p]) + "\"}");
        }
        System.out.println(result);
    }

    static String hex(MessageDigest digest) {
        return HexFormat.of().formatHex(digest.digest());
    }
}
