import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/**
 * Kafka Streams: one task, its state in memory stores. Arguments: brokers, topic, topic of
 * flags, number of events, "changelog" or "none", folder.
 *
 * A number's facts are one value of bytes. With a changelog they go through the record cache,
 * so that the changelog gets a number once a commit and not once an event. A conversation is an
 * entry of its own. Which of them ends next is kept in a queue beside the store, made again from
 * the store when the task starts: a range scan of a second store costs another put each.
 */
public final class StreamsJob {
    public static void main(String[] args) {
        boolean changelog = args[4].equals("changelog");
        Facts.Answer answer = new Facts.Answer(Long.parseLong(args[3]));

        StoreBuilder<KeyValueStore<String, byte[]>> numbers =
            Stores.keyValueStoreBuilder(Stores.inMemoryKeyValueStore("numbers"), Serdes.String(), Serdes.ByteArray());
        StoreBuilder<KeyValueStore<String, Long>> conversations =
            Stores.keyValueStoreBuilder(Stores.inMemoryKeyValueStore("conversations"), Serdes.String(), Serdes.Long());
        if (changelog) {
            numbers.withLoggingEnabled(Map.of()).withCachingEnabled();
            conversations.withLoggingEnabled(Map.of());
        } else {
            numbers.withLoggingDisabled();
            conversations.withLoggingDisabled();
        }
        Topology topology = new Topology();
        topology.addSource("events", Serdes.String().deserializer(), Serdes.ByteArray().deserializer(), args[1])
            .addProcessor("facts", () -> new FactsProcessor(answer), "events")
            .addStateStore(numbers, "facts")
            .addStateStore(conversations, "facts")
            .addSink("flags", args[2], Serdes.String().serializer(), Serdes.String().serializer(), "facts");

        Properties p = new Properties();
        p.put(StreamsConfig.APPLICATION_ID_CONFIG, "streams-" + System.nanoTime());
        p.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, args[0]);
        p.put(StreamsConfig.STATE_DIR_CONFIG, args[5]);
        p.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 1);
        p.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 256L << 20);
        p.put(StreamsConfig.METRICS_RECORDING_LEVEL_CONFIG, "INFO");
        p.put(StreamsConfig.consumerPrefix("auto.offset.reset"), "earliest");
        p.put(StreamsConfig.consumerPrefix("max.poll.records"), 5000);
        p.put(StreamsConfig.producerPrefix("compression.type"), "lz4");
        p.put(StreamsConfig.producerPrefix("linger.ms"), 100);
        p.put(StreamsConfig.producerPrefix("batch.size"), 256 << 10);
        p.put(StreamsConfig.producerPrefix("acks"), "all");
        KafkaStreams streams = new KafkaStreams(topology, p);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(Duration.ofSeconds(10))));
        streams.start();
    }

    private static final class FactsProcessor implements Processor<String, byte[], String, String> {
        private final Facts.Answer answer;
        private final ArrayDeque<Map.Entry<String, Long>> ends = new ArrayDeque<>();
        private ProcessorContext<String, String> context;
        private KeyValueStore<String, byte[]> numbers;
        private KeyValueStore<String, Long> conversations;

        FactsProcessor(Facts.Answer answer) {
            this.answer = answer;
        }

        @Override
        public void init(ProcessorContext<String, String> context) {
            this.context = context;
            numbers = context.getStateStore("numbers");
            conversations = context.getStateStore("conversations");
            try (KeyValueIterator<String, Long> all = conversations.all()) {
                all.forEachRemaining((KeyValue<String, Long> kv) -> ends.add(Map.entry(kv.key, kv.value)));
            }
            context.schedule(Duration.ofMinutes(1), PunctuationType.STREAM_TIME, this::expire);
        }

        private void expire(long now) {
            while (!ends.isEmpty() && ends.peek().getValue() + Facts.NO_REPLY <= now) {
                Map.Entry<String, Long> end = ends.poll();
                Long began = conversations.get(end.getKey());
                if (began == null || !began.equals(end.getValue())) {
                    continue; // answered, or begun again
                }
                conversations.delete(end.getKey());
                Event event = new Event();
                event.number = end.getKey().substring(0, end.getKey().indexOf('|'));
                event.time = now;
                Facts facts = Facts.fromBytes(numbers.get(event.number));
                facts.open--;
                facts.unanswered++;
                forward(event, facts.flags(event));
                numbers.put(event.number, facts.toBytes());
            }
        }

        @Override
        public void process(Record<String, byte[]> record) {
            Event event;
            try {
                event = Event.parse(record.value());
            } catch (java.io.IOException e) {
                throw new RuntimeException(e);
            }
            Facts facts = Facts.fromBytes(numbers.get(event.number));
            if (event.type == Event.SENT || event.type == Event.RECEIVED) {
                converse(event, facts);
            }
            forward(event, facts.apply(event));
            numbers.put(event.number, facts.toBytes());
            answer.applied(event, facts);
        }

        private void converse(Event event, Facts facts) {
            String key = event.number + "|" + event.contact;
            Long began = conversations.get(key);
            if (event.type == Event.SENT && began == null) {
                conversations.put(key, event.time);
                ends.add(Map.entry(key, event.time));
                facts.open++;
            } else if (event.type == Event.RECEIVED && began != null && event.time <= began + Facts.NO_REPLY) {
                conversations.delete(key);
                facts.open--;
            }
        }

        private void forward(Event event, String[] flags) {
            if (flags == null) {
                return;
            }
            for (String flag : flags) {
                answer.flag();
                context.forward(new Record<>(event.number, flag, event.time));
            }
        }
    }
}
