import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.HashMap;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.serialization.AbstractDeserializationSchema;
import org.apache.flink.api.common.serialization.SimpleStringSchema;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.DataStreamUtils;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/**
 * Flink in this process, parallelism 1, the source and all operators in one chain: at
 * parallelism 1 the topic's keys are Flink's, so no exchange stands between them. Arguments:
 * brokers, topic, topic of flags, number of events, "heap" or "rocksdb", checkpoint interval in
 * ms (0: none), folder of checkpoints.
 *
 * On the heap a number is one object with its conversations in it, and one timer for the first
 * of them that ends. On RocksDB, where each access reads and writes a whole value, a conversation
 * is a key of its own, with a timer.
 */
public final class FlinkJob {
    static Facts.Answer answer; // one JVM, one task: the functions share it

    public static void main(String[] args) throws Exception {
        boolean rocks = args[4].equals("rocksdb");
        long interval = Long.parseLong(args[5]);
        Configuration c = new Configuration();
        c.setString("state.backend.type", rocks ? "rocksdb" : "hashmap");
        c.setString("execution.checkpointing.incremental", "true");
        c.setString("execution.checkpointing.dir", "file://" + args[6]);
        c.setString("pipeline.object-reuse", "true");
        c.setString("pipeline.generic-types", "true");
        c.setString("taskmanager.memory.managed.size", "1g");
        c.setString("state.backend.rocksdb.timer-service.factory", "HEAP");
        c.setString("rest.port", "0");
        c.setString("rest.bind-port", "0");
        StreamExecutionEnvironment env = StreamExecutionEnvironment.createLocalEnvironment(1, c);
        if (interval > 0) {
            env.enableCheckpointing(interval);
        }
        answer = new Facts.Answer(Long.parseLong(args[3]));

        KafkaSource<Event> source = KafkaSource.<Event>builder()
            .setBootstrapServers(args[0]).setTopics(args[1]).setGroupId("flink-" + System.nanoTime())
            .setStartingOffsets(OffsetsInitializer.earliest())
            .setProperty("max.poll.records", "5000")
            .setValueOnlyDeserializer(new AbstractDeserializationSchema<Event>(TypeInformation.of(Event.class)) {
                @Override
                public Event deserialize(byte[] value) throws IOException {
                    return Event.parse(value);
                }
            }).build();
        KafkaSink<String> sink = KafkaSink.<String>builder()
            .setBootstrapServers(args[0])
            .setRecordSerializer(KafkaRecordSerializationSchema.builder()
                .setTopic(args[2]).setValueSerializationSchema(new SimpleStringSchema()).build())
            .setDeliveryGuarantee(interval > 0 ? DeliveryGuarantee.AT_LEAST_ONCE : DeliveryGuarantee.NONE)
            .setProperty("compression.type", "lz4").setProperty("linger.ms", "100")
            .build();
        DataStream<Event> events = env.fromSource(source,
            WatermarkStrategy.<Event>forMonotonousTimestamps().withTimestampAssigner((event, at) -> event.time), "events");
        DataStream<String> flags;
        if (rocks) {
            DataStream<Event> told = DataStreamUtils
                .reinterpretAsKeyedStream(events, event -> event.number + "|" + event.contact, Types.STRING)
                .process(new Conversations());
            flags = DataStreamUtils.reinterpretAsKeyedStream(told, event -> event.number, Types.STRING).process(new PackedNumbers());
        } else {
            flags = DataStreamUtils.reinterpretAsKeyedStream(events, event -> event.number, Types.STRING).process(new Numbers());
        }
        flags.sinkTo(sink);
        env.execute("three facts");
    }

    /** A number with its conversations, as the heap keeps it. */
    public static final class Number {
        final Facts facts = new Facts();
        final HashMap<String, Long> open = new HashMap<>();
        final ArrayDeque<Object[]> ends = new ArrayDeque<>(); // contact, when it was written to first
    }

    private static final class Numbers extends KeyedProcessFunction<String, Event, String> {
        private transient ValueState<Number> numbers;

        @Override
        public void open(OpenContext context) {
            numbers = getRuntimeContext().getState(new ValueStateDescriptor<>("number", TypeInformation.of(Number.class)));
        }

        @Override
        public void processElement(Event event, Context context, Collector<String> out) throws Exception {
            Number number = numbers.value();
            if (number == null) {
                number = new Number();
                numbers.update(number);
            }
            if (event.type == Event.SENT && number.open.putIfAbsent(event.contact, event.time) == null) {
                number.facts.open++;
                number.ends.add(new Object[] {event.contact, event.time});
                if (number.ends.size() == 1) {
                    context.timerService().registerEventTimeTimer(event.time + Facts.NO_REPLY);
                }
            } else if (event.type == Event.RECEIVED) {
                Long began = number.open.get(event.contact);
                if (began != null && event.time <= began + Facts.NO_REPLY) {
                    number.open.remove(event.contact);
                    number.facts.open--;
                }
            }
            collect(number.facts.apply(event), out);
            answer.applied(event, number.facts);
        }

        @Override
        public void onTimer(long at, OnTimerContext context, Collector<String> out) throws Exception {
            Number number = numbers.value();
            Event event = new Event();
            event.number = context.getCurrentKey();
            event.time = at;
            while (!number.ends.isEmpty() && (Long) number.ends.peek()[1] + Facts.NO_REPLY <= at) {
                Object[] end = number.ends.poll();
                if (number.open.remove(end[0], end[1])) {
                    number.facts.open--;
                    number.facts.unanswered++;
                    collect(number.facts.flags(event), out);
                }
            }
            if (!number.ends.isEmpty()) {
                context.timerService().registerEventTimeTimer((Long) number.ends.peek()[1] + Facts.NO_REPLY);
            }
        }
    }

    /** Says of each event what its conversation does, and of conversations that they ended. */
    private static final class Conversations extends KeyedProcessFunction<String, Event, Event> {
        private transient ValueState<Long> began;

        @Override
        public void open(OpenContext context) {
            began = getRuntimeContext().getState(new ValueStateDescriptor<>("began", Types.LONG));
        }

        @Override
        public void processElement(Event event, Context context, Collector<Event> out) throws Exception {
            if (event.type == Event.SENT && began.value() == null) {
                began.update(event.time);
                context.timerService().registerEventTimeTimer(event.time + Facts.NO_REPLY);
                event.opened = true;
            } else if (event.type == Event.RECEIVED) {
                Long at = began.value();
                if (at != null && event.time <= at + Facts.NO_REPLY) {
                    began.clear();
                    context.timerService().deleteEventTimeTimer(at + Facts.NO_REPLY);
                    event.closed = true;
                }
            }
            out.collect(event);
        }

        @Override
        public void onTimer(long at, OnTimerContext context, Collector<Event> out) throws Exception {
            began.clear();
            Event event = new Event();
            event.type = Event.EXPIRED;
            event.number = context.getCurrentKey().substring(0, context.getCurrentKey().indexOf('|'));
            event.time = at;
            out.collect(event);
        }
    }

    /** The facts of numbers as one value of bytes each. */
    private static final class PackedNumbers extends KeyedProcessFunction<String, Event, String> {
        private transient ValueState<byte[]> numbers;

        @Override
        public void open(OpenContext context) {
            numbers = getRuntimeContext().getState(
                new ValueStateDescriptor<>("number", PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO));
        }

        @Override
        public void processElement(Event event, Context context, Collector<String> out) throws Exception {
            Facts facts = Facts.fromBytes(numbers.value());
            if (event.type == Event.EXPIRED) {
                facts.open--;
                facts.unanswered++;
                collect(facts.flags(event), out);
            } else {
                facts.open += (event.opened ? 1 : 0) - (event.closed ? 1 : 0);
                collect(facts.apply(event), out);
                answer.applied(event, facts);
            }
            numbers.update(facts.toBytes());
        }
    }

    private static void collect(String[] flags, Collector<String> out) {
        if (flags == null) {
            return;
        }
        for (String flag : flags) {
            answer.flag();
            out.collect(flag);
        }
    }
}
