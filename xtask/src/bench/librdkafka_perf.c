/* librdkafka under load, to stand beside our own client: the same arguments and the same line of
 * output as `cargo run -p fleuve-client --example perf`.
 *
 *   librdkafka_perf produce|consume BOOTSTRAP TOPIC PARTITIONS RECORDS BYTES [KEY=VALUE]...
 *
 * Linked with the library that comes with confluent-kafka's wheel, which has no header: what is
 * used of its interface is declared here. Records are handed over without a copy and every one's
 * delivery is looked at; consumed records are taken from the library's queue many at a time. */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

typedef struct rd_kafka_s rd_kafka_t;
typedef struct rd_kafka_conf_s rd_kafka_conf_t;
typedef struct rd_kafka_topic_s rd_kafka_topic_t;
typedef struct rd_kafka_queue_s rd_kafka_queue_t;
typedef struct rd_kafka_topic_partition_list_s rd_kafka_topic_partition_list_t;
typedef struct {
    int err;
    rd_kafka_topic_t *rkt;
    int32_t partition;
    void *payload;
    size_t len;
    void *key;
    size_t key_len;
    int64_t offset;
    void *_private;
} rd_kafka_message_t;
typedef struct {
    char *topic;
    int32_t partition;
    int64_t offset;
} rd_kafka_topic_partition_head_t;

enum { PRODUCER = 0, CONSUMER = 1 };
enum { CONF_OK = 0 };
enum { PARTITION_UNASSIGNED = -1, OFFSET_BEGINNING = -2 };
enum { ERR_QUEUE_FULL = -184, ERR_PARTITION_EOF = -191 };

rd_kafka_conf_t *rd_kafka_conf_new(void);
int rd_kafka_conf_set(rd_kafka_conf_t *, const char *, const char *, char *, size_t);
void rd_kafka_conf_set_dr_msg_cb(rd_kafka_conf_t *, void (*)(rd_kafka_t *, const rd_kafka_message_t *, void *));
rd_kafka_t *rd_kafka_new(int, rd_kafka_conf_t *, char *, size_t);
rd_kafka_topic_t *rd_kafka_topic_new(rd_kafka_t *, const char *, void *);
int rd_kafka_produce(rd_kafka_topic_t *, int32_t, int, void *, size_t, const void *, size_t, void *);
int rd_kafka_last_error(void);
const char *rd_kafka_err2str(int);
const char *rd_kafka_version_str(void);
int rd_kafka_poll(rd_kafka_t *, int);
int rd_kafka_flush(rd_kafka_t *, int);
int rd_kafka_poll_set_consumer(rd_kafka_t *);
rd_kafka_queue_t *rd_kafka_queue_get_consumer(rd_kafka_t *);
ptrdiff_t rd_kafka_consume_batch_queue(rd_kafka_queue_t *, int, rd_kafka_message_t **, size_t);
void rd_kafka_message_destroy(rd_kafka_message_t *);
rd_kafka_topic_partition_list_t *rd_kafka_topic_partition_list_new(int);
rd_kafka_topic_partition_head_t *rd_kafka_topic_partition_list_add(rd_kafka_topic_partition_list_t *, const char *,
                                                                   int32_t);
int rd_kafka_assign(rd_kafka_t *, const rd_kafka_topic_partition_list_t *);

static const int FLUSH_MS = 120000;
static const int POLL_MS = 1000;
enum { TAKEN_AT_ONCE = 1000 };

static int64_t delivered, failed;

static void fail(const char *what, const char *why) {
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

static double wall_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec + now.tv_nsec / 1e9;
}

static double cpu_seconds(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return used.ru_utime.tv_sec + used.ru_stime.tv_sec + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static void note_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque) {
    (void)client, (void)opaque;
    if (message->err) failed++;
    else delivered++;
}

static rd_kafka_t *client_of(int kind, const char *bootstrap, char **settings) {
    char why[512];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    if (rd_kafka_conf_set(conf, "bootstrap.servers", bootstrap, why, sizeof why) != CONF_OK) fail("conf", why);
    if (kind == CONSUMER) {
        /* To be assigned partitions takes a group, which then is not used. */
        rd_kafka_conf_set(conf, "group.id", "perf", why, sizeof why);
        rd_kafka_conf_set(conf, "enable.auto.commit", "false", why, sizeof why);
    }
    for (; *settings; settings++) {
        char *value = strchr(*settings, '=');
        if (!value) fail(*settings, "is not KEY=VALUE");
        *value++ = 0;
        if (rd_kafka_conf_set(conf, *settings, value, why, sizeof why) != CONF_OK) fail(*settings, why);
    }
    if (kind == PRODUCER) rd_kafka_conf_set_dr_msg_cb(conf, note_delivery);
    rd_kafka_t *client = rd_kafka_new(kind, conf, why, sizeof why);
    if (!client) fail("client", why);
    return client;
}

static void produce(rd_kafka_t *client, rd_kafka_topic_t *topic, char *value, size_t bytes, int64_t records) {
    int64_t wanted = delivered + records;
    for (int64_t sent = 0; sent < records;) {
        if (rd_kafka_produce(topic, PARTITION_UNASSIGNED, 0, value, bytes, NULL, 0, NULL) == 0) {
            sent++;
            if (sent % 1000 == 0) rd_kafka_poll(client, 0);
        } else if (rd_kafka_last_error() == ERR_QUEUE_FULL) {
            rd_kafka_poll(client, 10);
        } else {
            fail("produce", rd_kafka_err2str(rd_kafka_last_error()));
        }
    }
    int error = rd_kafka_flush(client, FLUSH_MS);
    if (error) fail("flush", rd_kafka_err2str(error));
    if (failed || delivered != wanted) fail("produce", "not everything was delivered");
}

static void consume(rd_kafka_queue_t *queue, int64_t wanted, int64_t *records, int64_t *bytes) {
    rd_kafka_message_t *taken[TAKEN_AT_ONCE];
    while (*records < wanted) {
        ptrdiff_t count = rd_kafka_consume_batch_queue(queue, POLL_MS, taken, TAKEN_AT_ONCE);
        for (ptrdiff_t i = 0; i < count; i++) {
            if (taken[i]->err && taken[i]->err != ERR_PARTITION_EOF) fail("consume", rd_kafka_err2str(taken[i]->err));
            if (!taken[i]->err) {
                *bytes += taken[i]->len;
                ++*records;
            }
            rd_kafka_message_destroy(taken[i]);
        }
    }
}

int main(int count, char **arguments) {
    if (count < 7) fail("arguments", "produce|consume BOOTSTRAP TOPIC PARTITIONS RECORDS BYTES [KEY=VALUE]...");
    int kind = strcmp(arguments[1], "produce") == 0 ? PRODUCER : CONSUMER;
    const char *topic_name = arguments[3];
    int partitions = atoi(arguments[4]);
    int64_t records = atoll(arguments[5]), consumed = 0, consumed_bytes = 0;
    size_t bytes = atoll(arguments[6]);
    rd_kafka_t *client = client_of(kind, arguments[2], arguments + 7);
    double wall, cpu;
    if (kind == PRODUCER) {
        char *value = malloc(bytes);
        memset(value, 'x', bytes);
        rd_kafka_topic_t *topic = rd_kafka_topic_new(client, topic_name, NULL);
        produce(client, topic, value, bytes, 1);
        wall = wall_seconds(), cpu = cpu_seconds();
        produce(client, topic, value, bytes, records);
    } else {
        rd_kafka_poll_set_consumer(client);
        rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(client);
        rd_kafka_topic_partition_list_t *assigned = rd_kafka_topic_partition_list_new(partitions);
        for (int partition = 0; partition < partitions; partition++)
            rd_kafka_topic_partition_list_add(assigned, topic_name, partition)->offset = OFFSET_BEGINNING;
        wall = wall_seconds(), cpu = cpu_seconds();
        int error = rd_kafka_assign(client, assigned);
        if (error) fail("assign", rd_kafka_err2str(error));
        consume(queue, records, &consumed, &consumed_bytes);
        if (consumed_bytes != consumed * (int64_t)bytes) fail("consume", "the bytes are not those that were written");
    }
    printf("{\"client\": \"librdkafka %s\", \"wall_seconds\": %.6f, \"cpu_seconds\": %.6f}\n", rd_kafka_version_str(),
           wall_seconds() - wall, cpu_seconds() - cpu);
    return 0;
}
