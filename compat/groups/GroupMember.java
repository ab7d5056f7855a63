import java.time.Duration;
import java.util.List;
import java.util.Properties;
import java.util.TreeSet;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** A member by Kafka's own client. See run.py for what a member says. */
public class GroupMember {
    public static void main(String[] args) throws Exception {
        Properties config = new Properties();
        config.put("bootstrap.servers", args[0]);
        config.put("group.id", args[2]);
        config.put("group.protocol", args[3]);
        config.put("auto.offset.reset", "earliest");
        config.put("enable.auto.commit", "false");
        config.put("max.poll.records", "100");
        if (args[3].equals("classic")) {
            config.put("session.timeout.ms", "6000");
            config.put("heartbeat.interval.ms", "500");
        }
        if (!args[4].equals("-")) {
            config.put("group.instance.id", args[4]);
        }
        ByteArrayDeserializer bytes = new ByteArrayDeserializer();
        KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(config, bytes, bytes);
        Thread main = Thread.currentThread();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            consumer.wakeup();
            try {
                main.join(8000);
            } catch (InterruptedException ignored) {
                // The process ends anyway.
            }
        }));
        consumer.subscribe(List.of(args[1]));
        try {
            consume(consumer);
        } catch (WakeupException stopped) {
            // Asked to leave.
        }
        consumer.close();
        System.out.println("{\"closed\": true}");
        System.out.flush();
    }

    private static void consume(KafkaConsumer<byte[], byte[]> consumer) {
        TreeSet<Integer> assigned = null;
        while (true) {
            ConsumerRecords<byte[], byte[]> records = consumer.poll(Duration.ofMillis(200));
            TreeSet<Integer> now = new TreeSet<>();
            for (TopicPartition partition : consumer.assignment()) {
                now.add(partition.partition());
            }
            if (!now.equals(assigned)) {
                assigned = now;
                System.out.println("{\"assigned\": " + assigned + "}");
            }
            for (ConsumerRecord<byte[], byte[]> record : records) {
                System.out.println("{\"partition\": " + record.partition() + ", \"offset\": " + record.offset() + "}");
            }
            System.out.flush();
            if (!records.isEmpty()) {
                try {
                    consumer.commitSync();
                } catch (WakeupException stopped) {
                    consumer.commitSync();
                    throw stopped;
                } catch (KafkaException error) {
                    System.out.println("{\"commit\": \"" + error.getClass().getSimpleName() + "\"}");
                }
            }
        }
    }
}
