import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;

import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.message.LeaderChangeMessage;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.CompressionType;
import org.apache.kafka.common.record.internal.ControlRecordType;
import org.apache.kafka.common.record.internal.DefaultRecordBatch;
import org.apache.kafka.common.record.internal.EndTransactionMarker;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MemoryRecordsBuilder;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.common.record.internal.SimpleRecord;

/**
 * Prints record batches made by Apache Kafka itself, one a line: a name, a space, the bytes in
 * hexadecimal. The output is committed as crates/model/tests/golden/record-batches.txt:
 *
 *   java -cp '<Kafka 4.3 jars>/*' compat/java/RecordBatchGoldens.java
 *
 * What each batch holds is written down a second time in crates/model/tests/it/record/golden.rs.
 */
public class RecordBatchGoldens {
    private static final long PRODUCER = 4_000_000_001L;
    private static final short PRODUCER_EPOCH = 7;

    public static void main(String[] args) {
        for (CompressionType type : CompressionType.values()) {
            Compression compression = Compression.of(type).build();
            print("few-" + type.name, few(builder(compression)));
            if (type != CompressionType.NONE)
                print("many-" + type.name, many(builder(compression)));
        }
        print("few-gzip-9", few(builder(Compression.gzip().level(9).build())));
        print("few-lz4-17", few(builder(Compression.lz4().level(17).build())));
        print("few-zstd-22", few(builder(Compression.zstd().level(22).build())));
        print("idempotent", few(producing(false, 2_147_483_646)));
        print("transactional", few(producing(true, 0)));
        print("log-append-time", few(new MemoryRecordsBuilder(buffer(), RecordBatch.MAGIC_VALUE_V2,
            Compression.NONE, TimestampType.LOG_APPEND_TIME, 40, 1_700_000_999_999L,
            RecordBatch.NO_PRODUCER_ID, RecordBatch.NO_PRODUCER_EPOCH, RecordBatch.NO_SEQUENCE,
            false, false, 3, 1 << 20)));
        print("delete-horizon", few(new MemoryRecordsBuilder(
            new org.apache.kafka.common.utils.ByteBufferOutputStream(buffer()),
            RecordBatch.MAGIC_VALUE_V2, Compression.NONE, TimestampType.CREATE_TIME, 40,
            RecordBatch.NO_TIMESTAMP, RecordBatch.NO_PRODUCER_ID, RecordBatch.NO_PRODUCER_EPOCH,
            RecordBatch.NO_SEQUENCE, false, false, 3, 1 << 20, 1_700_000_500_000L)));
        print("thinned-out", thinnedOut());
        print("empty", empty());
        print("no-timestamp", noTimestamp());
        print("commit", marker(ControlRecordType.COMMIT));
        print("abort", marker(ControlRecordType.ABORT));
        print("leader-change", MemoryRecords.withLeaderChangeMessage(90, 1_700_000_000_003L, 6,
            buffer(), new LeaderChangeMessage().setLeaderId(1)
                .setVoters(List.of(new LeaderChangeMessage.Voter().setVoterId(1)))
                .setGrantingVoters(List.of(new LeaderChangeMessage.Voter().setVoterId(1)))).buffer());
    }

    private static MemoryRecordsBuilder builder(Compression compression) {
        return MemoryRecords.builder(buffer(), RecordBatch.MAGIC_VALUE_V2, compression,
            TimestampType.CREATE_TIME, 40, RecordBatch.NO_TIMESTAMP, 3);
    }

    private static MemoryRecordsBuilder producing(boolean transactional, int sequence) {
        return MemoryRecords.builder(buffer(), RecordBatch.MAGIC_VALUE_V2, Compression.NONE,
            TimestampType.CREATE_TIME, 40, RecordBatch.NO_TIMESTAMP, PRODUCER, PRODUCER_EPOCH,
            sequence, transactional, 3);
    }

    /** A plain record, one with headers and no key, a tombstone, and an earlier, empty one. */
    private static ByteBuffer few(MemoryRecordsBuilder builder) {
        builder.append(1_700_000_000_000L, bytes("a"), bytes("first"));
        builder.append(1_700_000_000_100L, (byte[]) null, bytes("second"), new Header[] {
            new RecordHeader("trace", bytes("1")), new RecordHeader("none", (byte[]) null)});
        builder.append(1_700_000_000_050L, bytes("a"), (byte[]) null);
        builder.append(1_699_999_999_000L, bytes(""), bytes(""));
        return builder.build().buffer();
    }

    /** Records that fill more than one block of every framing. */
    private static ByteBuffer many(MemoryRecordsBuilder builder) {
        for (int number = 0; number < 1_000; number++)
            builder.append(1_700_000_000_000L + number, bytes("key-" + number % 10),
                bytes("value ".repeat(15) + number));
        return builder.build().buffer();
    }

    /** What compaction leaves: two of ten records, the offsets kept. */
    private static ByteBuffer thinnedOut() {
        MemoryRecordsBuilder builder = producing(false, 100);
        builder.appendWithOffset(42, new SimpleRecord(1_700_000_000_002L, bytes("c"), bytes("2")));
        builder.appendWithOffset(47, new SimpleRecord(1_700_000_000_007L, bytes("h"), bytes("7")));
        builder.overrideLastOffset(49);
        return builder.build().buffer();
    }

    /** A header whose records compaction has all removed. */
    private static ByteBuffer empty() {
        ByteBuffer buffer = buffer();
        DefaultRecordBatch.writeEmptyHeader(buffer, RecordBatch.MAGIC_VALUE_V2, PRODUCER,
            PRODUCER_EPOCH, 100, 40, 49, 3, TimestampType.CREATE_TIME, 1_700_000_000_009L, false,
            false);
        buffer.flip();
        return buffer;
    }

    private static ByteBuffer noTimestamp() {
        MemoryRecordsBuilder builder = builder(Compression.NONE);
        builder.append(RecordBatch.NO_TIMESTAMP, bytes("a"), bytes("first"));
        builder.append(RecordBatch.NO_TIMESTAMP, bytes("b"), bytes("second"));
        return builder.build().buffer();
    }

    private static ByteBuffer marker(ControlRecordType type) {
        return MemoryRecords.withEndTransactionMarker(80, 1_700_000_000_002L, 5, PRODUCER,
            PRODUCER_EPOCH, new EndTransactionMarker(type, 11)).buffer();
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static ByteBuffer buffer() {
        return ByteBuffer.allocate(1 << 20);
    }

    private static void print(String name, ByteBuffer batch) {
        byte[] bytes = new byte[batch.remaining()];
        batch.get(bytes);
        System.out.println(name + " " + HexFormat.of().formatHex(bytes));
    }
}
