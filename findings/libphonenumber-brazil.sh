#!/usr/bin/env bash
# libphonenumber: the two forms of one Brazilian WhatsApp number.
#
# Expected: isNumberMatch joins the number that was dialled and the number that
#           WhatsApp answers from: older accounts in most of Brazil go without the
#           ninth digit that carriers added.
# Seen:     NO_MATCH. Both forms parse; the short one is no valid mobile number.
# So:       contacts must be joined by a canonical form of WhatsApp's own, not by
#           the library's idea of equal numbers.
# Versions: com.googlecode.libphonenumber:libphonenumber 9.0.20, Java 17.
# Output:   +5551987654321 +555187654321 NO_MATCH valid=true,false
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mvn --quiet dependency:copy -Dartifact=com.googlecode.libphonenumber:libphonenumber:9.0.20 -DoutputDirectory="$folder"
cat >Forms.java <<'JAVA'
import com.google.i18n.phonenumbers.PhoneNumberUtil;

public class Forms {
    public static void main(String[] args) throws Exception {
        PhoneNumberUtil util = PhoneNumberUtil.getInstance();
        String dialled = "+5551987654321", answers = "+555187654321";
        PhoneNumberUtil.MatchType match = util.isNumberMatch(dialled, answers);
        System.out.println(dialled + " " + answers + " " + match + " valid="
            + util.isValidNumber(util.parse(dialled, null)) + "," + util.isValidNumber(util.parse(answers, null)));
        if (match != PhoneNumberUtil.MatchType.NO_MATCH) {
            System.err.println("changed");
            System.exit(1);
        }
    }
}
JAVA
java -cp "$folder/*" Forms.java
