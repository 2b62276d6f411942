package event

// callingCountries holds for each country calling code the two-letter codes of
// the countries that share it, sorted and joined. The data are libphonenumber's
// country code to region table as of release 9.0 (Apache License 2.0),
// without the codes that
// belong to no country (800, 808, 870, 878, 881, 882, 883, 888, 979). No code is the
// beginning of another, so that the first digits of a number name one code only.
var callingCountries = [1000]string{
	1: "AGAIASBBBMBSCADMDOGDGUJMKNKYLCMPMSPRSXTCTTUSVCVGVI", 7: "KZRU", 20: "EG", 27: "ZA", 30: "GR", 31: "NL",
	32: "BE", 33: "FR", 34: "ES", 36: "HU", 39: "ITVA", 40: "RO", 41: "CH", 43: "AT", 44: "GBGGIMJE", 45: "DK",
	46: "SE", 47: "NOSJ", 48: "PL", 49: "DE", 51: "PE", 52: "MX", 53: "CU", 54: "AR", 55: "BR", 56: "CL",
	57: "CO", 58: "VE", 60: "MY", 61: "AUCCCX", 62: "ID", 63: "PH", 64: "NZ", 65: "SG", 66: "TH", 81: "JP",
	82: "KR", 84: "VN", 86: "CN", 90: "TR", 91: "IN", 92: "PK", 93: "AF", 94: "LK", 95: "MM", 98: "IR",
	211: "SS", 212: "EHMA", 213: "DZ", 216: "TN", 218: "LY", 220: "GM", 221: "SN", 222: "MR", 223: "ML",
	224: "GN", 225: "CI", 226: "BF", 227: "NE", 228: "TG", 229: "BJ", 230: "MU", 231: "LR", 232: "SL",
	233: "GH", 234: "NG", 235: "TD", 236: "CF", 237: "CM", 238: "CV", 239: "ST", 240: "GQ", 241: "GA",
	242: "CG", 243: "CD", 244: "AO", 245: "GW", 246: "IO", 247: "AC", 248: "SC", 249: "SD", 250: "RW",
	251: "ET", 252: "SO", 253: "DJ", 254: "KE", 255: "TZ", 256: "UG", 257: "BI", 258: "MZ", 260: "ZM",
	261: "MG", 262: "REYT", 263: "ZW", 264: "NA", 265: "MW", 266: "LS", 267: "BW", 268: "SZ", 269: "KM",
	290: "SHTA", 291: "ER", 297: "AW", 298: "FO", 299: "GL", 350: "GI", 351: "PT", 352: "LU", 353: "IE",
	354: "IS", 355: "AL", 356: "MT", 357: "CY", 358: "AXFI", 359: "BG", 370: "LT", 371: "LV", 372: "EE",
	373: "MD", 374: "AM", 375: "BY", 376: "AD", 377: "MC", 378: "SM", 380: "UA", 381: "RS", 382: "ME",
	383: "XK", 385: "HR", 386: "SI", 387: "BA", 389: "MK", 420: "CZ", 421: "SK", 423: "LI", 500: "FK",
	501: "BZ", 502: "GT", 503: "SV", 504: "HN", 505: "NI", 506: "CR", 507: "PA", 508: "PM", 509: "HT",
	590: "BLGPMF", 591: "BO", 592: "GY", 593: "EC", 594: "GF", 595: "PY", 596: "MQ", 597: "SR", 598: "UY",
	599: "BQCW", 670: "TL", 672: "NF", 673: "BN", 674: "NR", 675: "PG", 676: "TO", 677: "SB", 678: "VU",
	679: "FJ", 680: "PW", 681: "WF", 682: "CK", 683: "NU", 685: "WS", 686: "KI", 687: "NC", 688: "TV",
	689: "PF", 690: "TK", 691: "FM", 692: "MH", 850: "KP", 852: "HK", 853: "MO", 855: "KH", 856: "LA",
	880: "BD", 886: "TW", 960: "MV", 961: "LB", 962: "JO", 963: "SY", 964: "IQ", 965: "KW", 966: "SA",
	967: "YE", 968: "OM", 970: "PS", 971: "AE", 972: "IL", 973: "BH", 974: "QA", 975: "BT", 976: "MN",
	977: "NP", 992: "TJ", 993: "TM", 994: "AZ", 995: "GE", 996: "KG", 998: "UZ",
}

// IsPhoneNumber reports whether s is a phone number: 7 to 15 ASCII digits, the
// first not 0 (ITU-T E.164, without the leading `+`).
func IsPhoneNumber(s []byte) bool {
	if len(s) < 7 || len(s) > 15 || s[0] == '0' {
		return false
	}
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// ParseCallingCode returns the calling code of a phone number: 7 to 15 ASCII
// digits, the first not 0, without the leading `+`. It returns 0 for everything
// else and for codes of no country.
func ParseCallingCode(digits []byte) CallingCode {
	if !IsPhoneNumber(digits) {
		return 0
	}
	code := CallingCode(0)
	for _, c := range digits[:3] {
		code = code*10 + CallingCode(c-'0')
		if callingCountries[code] != "" {
			return code
		}
	}
	return 0
}

// Includes reports whether country k is one of those that share the code.
func (c CallingCode) Includes(k Country) bool {
	s := c.countries()
	for i := 0; i+1 < len(s); i += 2 {
		if Country(s[i])<<8|Country(s[i+1]) == k {
			return true
		}
	}
	return false
}

// Country returns the two letters of the country that alone has the code, "" if
// there is none or if several share it.
func (c CallingCode) Country() string {
	if s := c.countries(); len(s) == 2 {
		return s
	}
	return ""
}

// countries returns the code's row of the table, "" for a code of no country.
func (c CallingCode) countries() string {
	if int(c) >= len(callingCountries) {
		return ""
	}
	return callingCountries[c]
}
