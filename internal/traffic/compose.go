package traffic

import "sendwatch/internal/event"

// phrases are what people write in a language. No phrase needs escaping in JSON.
type phrases struct {
	greetings []string
	bodies    []string // what senders write to one contact
	offers    []string // what they write to many
	replies   []string // what contacts write
	stop      string
}

var languages = map[string]*phrases{
	"en": {
		[]string{"Hi", "Hello", "Good day"},
		[]string{
			"your order is ready, pick it up when it suits you", "we have kept the blue one for you",
			"does Thursday at 4 still work for you", "the part you asked for has come in",
			"here is the offer we spoke about", "thank you for your visit, was everything all right",
			"the photos are done, shall we send them", "your bike is repaired and waiting",
		},
		[]string{"Only today: everything at half price, code", "You have been chosen! Claim your gift, number", "New loan in 10 minutes, ask for case"},
		[]string{"Yes please", "Great, thank you", "How much is it?", "I will come tomorrow", "Not today", "Perfect", "Can you call me?", "ok"},
		"STOP",
	},
	"de": {
		[]string{"Hallo", "Guten Tag", "Liebe Grüße"},
		[]string{
			"Ihre Bestellung liegt bereit", "wir haben die blaue für Sie zurückgelegt",
			"passt Ihnen Donnerstag um 16 Uhr noch", "das Ersatzteil ist angekommen",
			"hier ist das Angebot von gestern", "danke für Ihren Besuch, war alles recht",
			"die Fotos sind fertig", "Ihr Rad ist repariert",
		},
		[]string{"Nur heute: alles zum halben Preis, Code", "Sie wurden ausgewählt! Ihr Geschenk, Nummer"},
		[]string{"Ja, gerne", "Super, danke", "Was kostet das?", "Ich komme morgen", "Heute nicht", "Passt", "ok"},
		"STOP",
	},
	"es": {
		[]string{"Hola", "Buenos días", "Buenas"},
		[]string{
			"su pedido ya está listo", "le guardamos el azul", "¿le viene bien el jueves a las 4?",
			"ya llegó la pieza que pidió", "aquí está el presupuesto", "gracias por su visita, ¿todo bien?",
			"las fotos ya están", "su bicicleta está reparada",
		},
		[]string{"Solo hoy: todo a mitad de precio, código", "¡Ha sido elegido! Su regalo, número"},
		[]string{"Sí, por favor", "Gracias", "¿Cuánto cuesta?", "Paso mañana", "Hoy no", "Perfecto", "vale"},
		"BAJA",
	},
	"pt": {
		[]string{"Oi", "Olá", "Bom dia"},
		[]string{
			"seu pedido está pronto", "guardamos o azul para você", "quinta às 16h ainda serve",
			"a peça que você pediu chegou", "segue o orçamento", "obrigado pela visita, foi tudo bem",
			"as fotos ficaram prontas", "sua bicicleta está consertada",
		},
		[]string{"Só hoje: tudo pela metade do preço, código", "Você foi escolhido! Seu presente, número"},
		[]string{"Sim, por favor", "Obrigada", "Quanto custa?", "Passo amanhã", "Hoje não", "Perfeito", "ok"},
		"SAIR",
	},
	"fr": {
		[]string{"Bonjour", "Salut", "Bonsoir"},
		[]string{
			"votre commande est prête", "nous avons gardé le bleu pour vous", "jeudi à 16 h vous convient toujours",
			"la pièce est arrivée", "voici le devis", "merci de votre visite, tout allait bien",
			"les photos sont prêtes", "votre vélo est réparé",
		},
		[]string{"Aujourd’hui seulement : tout à moitié prix, code", "Vous êtes choisi ! Votre cadeau, numéro"},
		[]string{"Oui, merci", "Super", "Combien ça coûte ?", "Je passe demain", "Pas aujourd’hui", "Parfait", "d’accord"},
		"ARRÊT",
	},
	"ar": {
		[]string{"مرحبا", "أهلا", "السلام عليكم"},
		[]string{
			"طلبك جاهز", "حجزنا لك اللون الأزرق", "هل يناسبك الخميس", "وصلت القطعة",
			"هذا عرض السعر", "شكرا لزيارتك", "الصور جاهزة", "تم إصلاح الدراجة",
		},
		[]string{"اليوم فقط نصف السعر، رمز", "تم اختيارك، رقم الهدية"},
		[]string{"نعم", "شكرا", "كم السعر", "سأمر غدا", "ليس اليوم", "ممتاز"},
		"توقف",
	},
}

var firstNames = []string{
	"Ada", "Ana", "Ben", "Carla", "Chidi", "Dana", "Dewi", "Elif", "Emil", "Fatima", "Felix", "Gita", "Hanna",
	"Hugo", "Ines", "Ivan", "Jana", "João", "Kai", "Lara", "Leo", "Lucía", "Maja", "Malik", "Mara", "Nadia",
	"Nils", "Noor", "Olga", "Oscar", "Paula", "Priya", "Rafa", "Rosa", "Sami", "Sofia", "Tariq", "Thabo",
	"Tom", "Vera", "Wanda", "Yara", "Yusuf", "Zoe",
}

// templatesEach is how many templates a sender of each category has.
const templatesEach = 5

var templateNames = map[event.Category][templatesEach]string{
	event.CategoryUtility:        {"appointment_reminder", "order_shipped", "order_delivered", "invoice_ready", "pickup_today"},
	event.CategoryAuthentication: {"login_code", "confirm_phone", "confirm_payment", "reset_code", "device_code"},
	event.CategoryMarketing:      {"weekly_news", "season_sale", "new_arrivals", "members_offer", "event_invitation"},
}

func categoryName(c event.Category, upper bool) string {
	names := map[event.Category][2]string{
		event.CategoryUtility:        {"utility", "UTILITY"},
		event.CategoryAuthentication: {"authentication", "AUTHENTICATION"},
		event.CategoryMarketing:      {"marketing", "MARKETING"},
	}
	if upper {
		return names[c][1]
	}
	return names[c][0]
}

func pick(n *number, from []string) string { return from[n.rng.IntN(len(from))] }

// appendPersonal writes words meant for one contact.
func (n *number) appendPersonal(b []byte) []byte {
	l := languages[n.place.language]
	b = append(b, pick(n, l.greetings)...)
	b = append(b, ' ')
	b = append(b, pick(n, firstNames)...)
	b = append(b, ", "...)
	return append(b, pick(n, l.bodies)...)
}

// appendOffer writes the words of this run, the same to everybody.
func (n *number) appendOffer(b []byte) []byte {
	l := languages[n.place.language]
	return append(b, l.offers[int(n.run)%len(l.offers)]...)
}

// stopWord is what the contact writes to be left alone: in its language or in
// the one that everybody knows.
func (n *number) stopWord() string {
	if n.rng.IntN(2) == 0 {
		return " Stop "
	}
	return languages[n.place.language].stop
}
