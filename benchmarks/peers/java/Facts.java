import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * The three facts of a number: sends of the last hour, exact to the second; the largest
 * count of one template among them; conversations that nobody answered within 48 hours.
 * The sends lie in a ring of primitives, so that counting a template is a walk over a few
 * hundred longs, and so that the whole is quickly written where a store wants bytes.
 */
public final class Facts {
    public static final long NO_REPLY = 48L * 3600 * 1000;

    private static final int HOUR = 3600;
    private static final int[] THRESHOLDS = {100, 12, 25};
    private static final String[] NAMES = {"sent_1h", "identical_1h", "unanswered"};

    private int[] second = new int[8];
    private long[] template = new long[8];
    private int head, size;
    private int identical;
    public int unanswered, open;
    private int above; // a bit for each fact that is at its threshold or beyond

    /** Counts the event and returns the flags that it raises, or null. */
    public String[] apply(Event event) {
        int now = (int) (event.time / 1000);
        while (size > 0 && second[head] <= now - HOUR) {
            long gone = template[head];
            head = (head + 1) & (second.length - 1);
            size--;
            if (count(gone) + 1 == identical) {
                identical = largest();
            }
        }
        if (event.type == Event.SENT) {
            add(now, event.template);
            identical = Math.max(identical, count(event.template));
        }
        return flags(event);
    }

    /** Returns the flags that are due now, for a change by time alone. */
    public String[] flags(Event event) {
        int now = (size >= THRESHOLDS[0] ? 1 : 0) | (identical >= THRESHOLDS[1] ? 2 : 0) | (unanswered >= THRESHOLDS[2] ? 4 : 0);
        int risen = now & ~above;
        above = now;
        if (risen == 0) {
            return null;
        }
        String[] out = new String[Integer.bitCount(risen)];
        for (int i = 0, n = 0; i < 3; i++) {
            if ((risen & 1 << i) != 0) {
                out[n++] = "{\"number_id\":\"" + event.number + "\",\"fact\":\"" + NAMES[i] + "\",\"time\":" + event.time + "}";
            }
        }
        return out;
    }

    private void add(int now, long hash) {
        if (size == second.length) {
            int[] s = new int[2 * size];
            long[] t = new long[2 * size];
            for (int i = 0; i < size; i++) {
                s[i] = second[(head + i) & (size - 1)];
                t[i] = template[(head + i) & (size - 1)];
            }
            second = s;
            template = t;
            head = 0;
        }
        int at = (head + size++) & (second.length - 1);
        second[at] = now;
        template[at] = hash;
    }

    private int count(long hash) {
        int n = 0;
        int end = head + size;
        for (int i = head; i < Math.min(end, template.length); i++) {
            n += template[i] == hash ? 1 : 0;
        }
        for (int i = 0; i < end - template.length; i++) {
            n += template[i] == hash ? 1 : 0;
        }
        return n;
    }

    private int largest() {
        long[] all = new long[size];
        for (int i = 0; i < size; i++) {
            all[i] = template[(head + i) & (template.length - 1)];
        }
        Arrays.sort(all);
        int best = 0;
        for (int i = 0, run = 0; i < size; i++) {
            run = i > 0 && all[i] == all[i - 1] ? run + 1 : 1;
            best = Math.max(best, run);
        }
        return best;
    }

    public byte[] toBytes() {
        ByteBuffer out = ByteBuffer.allocate(20 + 12 * size);
        out.putInt(size).putInt(identical).putInt(unanswered).putInt(open).putInt(above);
        for (int i = 0; i < size; i++) {
            int at = (head + i) & (second.length - 1);
            out.putInt(second[at]).putLong(template[at]);
        }
        return out.array();
    }

    public static Facts fromBytes(byte[] bytes) {
        Facts facts = new Facts();
        if (bytes == null) {
            return facts;
        }
        ByteBuffer in = ByteBuffer.wrap(bytes);
        facts.size = in.getInt();
        facts.identical = in.getInt();
        facts.unanswered = in.getInt();
        facts.open = in.getInt();
        facts.above = in.getInt();
        int room = Math.max(8, Integer.highestOneBit(facts.size) << 1);
        facts.second = new int[room];
        facts.template = new long[room];
        for (int i = 0; i < facts.size; i++) {
            facts.second[i] = in.getInt();
            facts.template[i] = in.getLong();
        }
        return facts;
    }

    /** What a peer found, told to the harness on the standard output. */
    public static final class Answer {
        private final long total;
        private final PrintOnce marks;
        private long events, flags, checksum, sent, identical, unanswered, open;

        public Answer(long total) {
            this.total = total;
            this.marks = new PrintOnce();
            marks.print("ready");
        }

        public void flag() {
            flags++;
        }

        /** Notes that an event was applied; the harness reads the clock at a third and at the end. */
        public void applied(Event event, Facts facts) {
            if (event.closing) {
                sent += facts.size;
                identical += facts.identical;
                unanswered += facts.unanswered;
                open += facts.open;
                checksum += Event.fnv(event.number + "|" + facts.size + "|" + facts.identical + "|" + facts.unanswered + "|" + facts.open);
            }
            if (++events == total / 3) {
                marks.print("third");
            }
            if (events == total) {
                marks.print("done");
                marks.print("answer {\"events\":" + events + ",\"flags\":" + flags + ",\"sent_1h\":" + sent + ",\"identical_1h\":" + identical
                    + ",\"unanswered\":" + unanswered + ",\"open\":" + open + ",\"checksum\":\"" + Long.toUnsignedString(checksum) + "\"}");
            }
        }
    }

    /** The standard output, a line at a time. */
    private static final class PrintOnce {
        void print(String line) {
            System.out.println(line);
            System.out.flush();
        }
    }
}
