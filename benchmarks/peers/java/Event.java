import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;

/**
 * The part of a record that the three facts need, read with Jackson's streaming
 * parser, which is the quickest way that both peers have.
 */
public final class Event {
    public static final int SENT = 1, RECEIVED = 2, OTHER = 3, EXPIRED = 4;

    private static final JsonFactory FACTORY = new JsonFactory();

    public int type = OTHER;
    public long time;
    public String number;
    public String contact;
    public long template; // a hash of its name
    public boolean closing; // the number's last event: its facts are the answer
    public boolean opened, closed; // what its conversation did

    public static Event parse(byte[] value) throws IOException {
        Event event = new Event();
        try (JsonParser in = FACTORY.createParser(value)) {
            in.nextToken();
            for (String name = in.nextFieldName(); name != null; name = in.nextFieldName()) {
                switch (name) {
                    case "id" -> event.closing = in.nextTextValue().startsWith("end:");
                    case "type" -> event.type = typeOf(in.nextTextValue());
                    case "time" -> event.time = in.nextLongValue(0);
                    case "number_id" -> event.number = in.nextTextValue();
                    case "contact" -> event.contact = in.nextTextValue();
                    case "template" -> event.template = templateOf(in);
                    default -> {
                        in.nextToken();
                        in.skipChildren();
                    }
                }
            }
        }
        return event;
    }

    private static int typeOf(String type) {
        return switch (type) {
            case "message.sent" -> SENT;
            case "message.received" -> RECEIVED;
            default -> OTHER;
        };
    }

    private static long templateOf(JsonParser in) throws IOException {
        long hash = 0;
        in.nextToken();
        while (in.nextToken() == JsonToken.FIELD_NAME) {
            boolean name = in.currentName().equals("name");
            String value = in.nextTextValue();
            if (name) {
                hash = fnv(value);
            }
        }
        return hash;
    }

    /** FNV-1a of 64 bits, as the harness has it. */
    public static long fnv(String s) {
        long h = 0xcbf29ce484222325L;
        for (int i = 0; i < s.length(); i++) {
            h = (h ^ s.charAt(i)) * 0x100000001b3L;
        }
        return h;
    }
}
