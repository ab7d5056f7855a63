import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicBoolean;

import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;

/**
 * A member of a group: arguments are bootstrap, topic, group and further properties as key=value.
 * Prints "assigned COUNT" after each rebalance and "record PARTITION OFFSET" for each record, and
 * leaves when its standard input ends.
 */
public class GroupMember {
    public static void main(String[] args) throws Exception {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", args[0]);
        properties.put("group.id", args[2]);
        properties.put("auto.offset.reset", "earliest");
        String bytes = "org.apache.kafka.common.serialization.ByteArrayDeserializer";
        properties.put("key.deserializer", bytes);
        properties.put("value.deserializer", bytes);
        for (int index = 3; index < args.length; index++) {
            String[] pair = args[index].split("=", 2);
            properties.put(pair[0], pair[1]);
        }
        AtomicBoolean leaves = new AtomicBoolean();
        Thread input = new Thread(() -> {
            try {
                while (System.in.read() >= 0) { }
            } catch (java.io.IOException ended) { }
            leaves.set(true);
        });
        input.setDaemon(true);
        input.start();
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(properties)) {
            consumer.subscribe(List.of(args[1]), new ConsumerRebalanceListener() {
                @Override
                public void onPartitionsRevoked(Collection<TopicPartition> gone) { }

                @Override
                public void onPartitionsAssigned(Collection<TopicPartition> added) { }
            });
            int assigned = -1;
            while (!leaves.get()) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(100)))
                    System.out.println("record " + record.partition() + " " + record.offset());
                int now = consumer.assignment().size();
                if (now != assigned)
                    System.out.println("assigned " + now);
                assigned = now;
                System.out.flush();
            }
        }
    }
}
