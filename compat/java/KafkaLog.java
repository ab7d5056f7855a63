import java.io.File;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.CompressionType;
import org.apache.kafka.common.record.internal.ControlRecordType;
import org.apache.kafka.common.record.internal.EndTransactionMarker;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MemoryRecordsBuilder;
import org.apache.kafka.common.record.internal.Record;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.common.record.internal.SimpleRecord;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.server.common.RequestLocal;
import org.apache.kafka.server.storage.log.FetchIsolation;
import org.apache.kafka.server.util.KafkaScheduler;
import org.apache.kafka.storage.internals.checkpoint.CleanShutdownFileHandler;
import org.apache.kafka.storage.internals.checkpoint.OffsetCheckpointFile;
import org.apache.kafka.storage.internals.log.AbortedTxn;
import org.apache.kafka.storage.internals.log.AppendOrigin;
import org.apache.kafka.storage.internals.log.FetchDataInfo;
import org.apache.kafka.storage.internals.log.LogConfig;
import org.apache.kafka.storage.internals.log.LogDirFailureChannel;
import org.apache.kafka.storage.internals.log.ProducerStateEntry;
import org.apache.kafka.storage.internals.log.ProducerStateManagerConfig;
import org.apache.kafka.storage.internals.log.UnifiedLog;
import org.apache.kafka.storage.internals.log.VerificationGuard;
import org.apache.kafka.storage.log.metrics.BrokerTopicStats;

/**
 * Apache Kafka's own log, one partition of it, driven by the tests of crates/storage.
 *
 *   KafkaLog write &lt;partition folder&gt; clean|halt    writes every kind of batch, then describes it
 *   KafkaLog read &lt;partition folder&gt; clean|unclean  loads what is there, then describes it
 *
 * The description is lines of text: what each batch and record is, aborted transactions, leader
 * epochs, producers and the log's bounds. The tests describe the same folder with fleuve-storage
 * and compare line by line.
 */
public class KafkaLog {
    private static final long START = System.currentTimeMillis() - 60_000;
    private static final int PRODUCER_EXPIRATION_MS = 86_400_000;
    /** The protocol of KIP-98: markers carry the producer's own epoch. */
    private static final short TRANSACTION_VERSION = 1;

    public static void main(String[] args) throws Exception {
        File folder = new File(args[1]);
        if (args[0].equals("write")) {
            Files.createDirectories(folder.toPath());
            UnifiedLog log = open(folder, true, Optional.of(Uuid.fromString("q1Sh-9_ISia_zwGINzRvyQ")));
            new KafkaLog(log).write();
            describe(log);
            System.out.flush();
            // A halt leaves the indexes at their preallocated size and takes no snapshot.
            if (args[2].equals("halt"))
                Runtime.getRuntime().halt(0);
            stop(log);
        } else {
            UnifiedLog log = open(folder, args[2].equals("clean"), Optional.empty());
            log.updateHighWatermark(log.logEndOffset());
            describe(log);
            stop(log);
        }
    }

    /** Closes the log and leaves behind what a broker does when it stops: its checkpoints. */
    private static void stop(UnifiedLog log) throws Exception {
        Map<TopicPartition, Long> end = Map.of(log.topicPartition(), log.logEndOffset());
        Map<TopicPartition, Long> start = Map.of(log.topicPartition(), log.logStartOffset());
        log.close();
        checkpoint(log, "recovery-point-offset-checkpoint", end);
        checkpoint(log, "replication-offset-checkpoint", end);
        checkpoint(log, "log-start-offset-checkpoint", start);
        new CleanShutdownFileHandler(log.parentDir()).write(1);
    }

    private static void checkpoint(UnifiedLog log, String name, Map<TopicPartition, Long> offsets) throws Exception {
        new OffsetCheckpointFile(new File(log.parentDir(), name), new LogDirFailureChannel(1)).write(offsets);
    }

    private static UnifiedLog open(File folder, boolean clean, Optional<Uuid> topic) throws Exception {
        LogConfig config = new LogConfig(Map.of("index.interval.bytes", "200"));
        return UnifiedLog.create(folder, config, 0, 0, new KafkaScheduler(1), new BrokerTopicStats(),
            Time.SYSTEM, 300_000, new ProducerStateManagerConfig(PRODUCER_EXPIRATION_MS, false),
            600_000, new LogDirFailureChannel(1), clean, topic);
    }

    private final UnifiedLog log;
    private int epoch = 0;
    private int number = 0;

    private KafkaLog(UnifiedLog log) {
        this.log = log;
    }

    /** Five segments, three leader epochs, and what producers of every kind leave behind. */
    private void write() throws Exception {
        log.assignEpochStartOffset(epoch, 0);
        for (CompressionType type : CompressionType.values())
            for (int batch = 0; batch < 20; batch++)
                append(builder(type, RecordBatch.NO_PRODUCER_ID, -1, false), 1 + batch % 5);
        roll(1);
        // More batches than the five that are remembered of a producer.
        for (int round = 0; round < 8; round++)
            for (long producer = 1000; producer < 1003; producer++)
                append(builder(CompressionType.LZ4, producer, 2 * round, false), 2);
        roll(3);
        transaction(2000, ControlRecordType.COMMIT);
        transaction(2001, ControlRecordType.ABORT);
        append(builder(CompressionType.ZSTD, 2002, 0, true), 3);
        append(builder(CompressionType.NONE, 2001, 3, true), 3);
        transaction(2003, ControlRecordType.COMMIT);
        roll(3);
        marker(2001, ControlRecordType.ABORT);
        // Enough for several entries of every index.
        for (int batch = 0; batch < 200; batch++)
            append(builder(CompressionType.NONE, RecordBatch.NO_PRODUCER_ID, -1, false), 3);
        roll(3);
        append(builder(CompressionType.SNAPPY, 1000, 16, false), 2);
        append(builder(CompressionType.GZIP, 2003, 3, true), 1);
        log.updateHighWatermark(log.logEndOffset());
    }

    private void transaction(long producer, ControlRecordType end) throws Exception {
        append(builder(CompressionType.NONE, producer, 0, true), 3);
        marker(producer, end);
    }

    private void marker(long producer, ControlRecordType end) throws Exception {
        MemoryRecords marker = MemoryRecords.withEndTransactionMarker(0, START + number++, epoch,
            producer, (short) 5, new EndTransactionMarker(end, 9));
        log.appendAsLeader(marker, epoch, AppendOrigin.COORDINATOR, RequestLocal.noCaching(),
            VerificationGuard.SENTINEL, TRANSACTION_VERSION);
    }

    private void roll(int nextEpoch) throws Exception {
        log.updateHighWatermark(log.logEndOffset());
        log.roll();
        if (nextEpoch != epoch)
            log.assignEpochStartOffset(nextEpoch, log.logEndOffset());
        epoch = nextEpoch;
    }

    private MemoryRecordsBuilder builder(CompressionType type, long producer, int sequence, boolean transactional) {
        short producerEpoch = producer < 0 ? RecordBatch.NO_PRODUCER_EPOCH : 5;
        return MemoryRecords.builder(ByteBuffer.allocate(1 << 16), RecordBatch.MAGIC_VALUE_V2,
            Compression.of(type).build(), TimestampType.CREATE_TIME, 0, RecordBatch.NO_TIMESTAMP,
            producer, producerEpoch, sequence, transactional, RecordBatch.NO_PARTITION_LEADER_EPOCH);
    }

    private void append(MemoryRecordsBuilder builder, int records) throws Exception {
        for (int record = 0; record < records; record++) {
            number++;
            byte[] key = number % 7 == 0 ? null : bytes("key-" + number % 10);
            byte[] value = number % 11 == 0 ? null : bytes("value " + "abcdefgh".repeat(number % 20) + number);
            Header[] headers = number % 5 == 0
                ? new Header[] {new RecordHeader("h", bytes("" + number)), new RecordHeader("n", (byte[]) null)}
                : Record.EMPTY_HEADERS;
            builder.append(new SimpleRecord(START + number - (number % 3) * 5, key, value, headers));
        }
        log.appendAsLeader(builder.build(), epoch);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static void describe(UnifiedLog log) throws Exception {
        long offset = log.logStartOffset();
        while (offset < log.logEndOffset()) {
            FetchDataInfo fetched = log.read(offset, 1 << 20, FetchIsolation.LOG_END, true);
            for (RecordBatch batch : fetched.records.batches()) {
                describe(batch);
                offset = batch.nextOffset();
            }
        }
        for (AbortedTxn aborted : log.collectAbortedTransactions(log.logStartOffset(), log.logEndOffset()))
            System.out.printf("aborted producer=%d first=%d last=%d stable=%d%n", aborted.producerId(),
                aborted.firstOffset(), aborted.lastOffset(), aborted.lastStableOffset());
        log.leaderEpochCache().epochEntries().forEach(entry ->
            System.out.printf("epoch %d from %d%n", entry.epoch(), entry.startOffset()));
        List<ProducerStateEntry> producers =
            new ArrayList<>(log.producerStateManager().activeProducers().values());
        producers.sort(Comparator.comparingLong(ProducerStateEntry::producerId));
        for (ProducerStateEntry producer : producers)
            System.out.printf("producer %d epoch=%d coordinator=%d open=%s last=%s%n",
                producer.producerId(), producer.producerEpoch(), producer.coordinatorEpoch(),
                optional(producer.currentTxnFirstOffset()), lastBatch(producer));
        System.out.printf("log start=%d end=%d stable=%d%n", log.logStartOffset(), log.logEndOffset(),
            log.lastStableOffset());
    }

    private static void describe(RecordBatch batch) {
        batch.ensureValid();
        System.out.printf("batch %d..%d epoch=%d %s %s max=%d producer=%d/%d sequence=%d%s%s size=%d crc=%08x%n",
            batch.baseOffset(), batch.lastOffset(), batch.partitionLeaderEpoch(),
            batch.compressionType().name, batch.timestampType().name, batch.maxTimestamp(),
            batch.producerId(), batch.producerEpoch(), batch.baseSequence(),
            batch.isTransactional() ? " transactional" : "", batch.isControlBatch() ? " control" : "",
            batch.sizeInBytes(), batch.checksum());
        for (Record record : batch) {
            StringBuilder headers = new StringBuilder();
            for (Header header : record.headers())
                headers.append(' ').append(header.key()).append('=').append(hex(header.value()));
            System.out.printf("  record %d %d %s %s%s%n", record.offset(), record.timestamp(),
                hex(record.key()), hex(record.value()), headers);
        }
    }

    /** Loading a snapshot brings back only this one of the five batches that are remembered. */
    private static String lastBatch(ProducerStateEntry producer) {
        return producer.batchMetadata().stream()
            .map(batch -> batch.firstSeq() + ".." + batch.lastSeq() + "@" + batch.firstOffset())
            .reduce((earlier, later) -> later).orElse("-");
    }

    private static String hex(ByteBuffer buffer) {
        if (buffer == null)
            return "-";
        byte[] bytes = new byte[buffer.remaining()];
        buffer.duplicate().get(bytes);
        return hex(bytes);
    }

    private static String hex(byte[] bytes) {
        return bytes == null ? "-" : "x" + HexFormat.of().formatHex(bytes);
    }

    private static String optional(OptionalLong value) {
        return value.isPresent() ? Long.toString(value.getAsLong()) : "-";
    }
}
