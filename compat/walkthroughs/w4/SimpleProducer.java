import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.Future;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.StringSerializer;

/** A first producer: TOPIC BOOTSTRAP. Ten records, key and value are "0" to "9". */
public class SimpleProducer {
    public static void main(String[] arguments) throws Exception {
        Properties config = new Properties();
        config.put("bootstrap.servers", arguments[1]);
        config.put("acks", "all");
        config.put("retries", 0);
        config.put("batch.size", 16384);
        config.put("linger.ms", 1);
        config.put("buffer.memory", 33554432);
        config.put("key.serializer", StringSerializer.class.getName());
        config.put("value.serializer", StringSerializer.class.getName());
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(config)) {
            List<Future<RecordMetadata>> sent = new ArrayList<>();
            for (int number = 0; number < 10; number++) {
                String text = Integer.toString(number);
                sent.add(producer.send(new ProducerRecord<>(arguments[0], text, text)));
            }
            for (Future<RecordMetadata> future : sent) {
                future.get();
            }
        }
        System.out.println("Message sent successfully");
    }
}
