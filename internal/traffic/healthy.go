package traffic

import "sendwatch/internal/event"

// Healthy senders keep well inside the thresholds of their policy profile. A
// community number (business_app, web_session) begins at most two conversations
// a minute and about twenty an hour, and those it writes to answer.
func healthyProfiles() []*profile {
	return []*profile{
		smallShop(),
		{
			name: "busy_shop", share: 12, connection: event.ConnectionBusinessApp,
			registered: [2]int{200, 2000},
			outreach:   outreach{perDay: 30, hours: shopHours, least: 32 * second},
			book:       900, visits: 24, visitHours: wakingHours, reply: .62, stop: .004, read: .8,
			undelivered: .01, failContact: .002, blocks: .0005, noOptIn: .004, foreign: .03, content: manyThings,
		},
		{
			name: "tutor", share: 8, connection: event.ConnectionWebSession,
			registered: [2]int{120, 900},
			outreach:   outreach{perDay: 16, hours: eveningHours, least: 35 * second},
			book:       400, visits: 10, visitHours: wakingHours, reply: .7, stop: .002, read: .9,
			undelivered: .01, failContact: .002, foreign: .02,
		},
		{
			name: "support_desk", share: 16, connection: event.ConnectionCloudAPI,
			registered: [2]int{200, 1500},
			outreach:   outreach{perDay: 4, hours: officeHours, least: 40 * second},
			book:       300, visits: 38, visitHours: wakingHours, reply: .6, stop: .002, read: .85,
			undelivered: .01, failContact: .002, blocks: .0003, foreign: .05, content: manyThings,
		},
		{
			name: "helpline", share: 8, connection: event.ConnectionBusinessApp,
			registered: [2]int{100, 1200},
			outreach:   outreach{perDay: 5, hours: officeHours, least: 40 * second},
			book:       200, visits: 26, visitHours: wakingHours, reply: .65, stop: .002, read: .85,
			undelivered: .01, failContact: .002, foreign: .02,
		},
		{
			name: "reminders", share: 16, connection: event.ConnectionCloudAPI,
			registered: [2]int{150, 1500},
			outreach:   outreach{perDay: 95, hours: officeHours, least: 2 * second},
			book:       4000, visits: 5, visitHours: wakingHours, reply: .12, stop: .003, read: .8,
			undelivered: .006, failContact: .003, foreign: .02, category: event.CategoryUtility,
		},
		{
			name: "parcels", share: 8, connection: event.ConnectionCloudAPI,
			registered: [2]int{200, 1500},
			outreach:   outreach{perDay: 140, hours: wakingHours, least: second},
			book:       6000, visits: 8, visitHours: wakingHours, reply: .06, stop: .002, read: .7,
			undelivered: .006, failContact: .003, foreign: .04, category: event.CategoryUtility, content: manyThings,
		},
		{
			name: "one_time_codes", share: 6, connection: event.ConnectionCloudAPI,
			registered: [2]int{100, 1200},
			outreach:   outreach{perDay: 170, hours: codeHours, least: second / 2},
			book:       8000, reply: .004, read: .6,
			undelivered: .006, failContact: .003, foreign: .08, category: event.CategoryAuthentication,
		},
		{
			name: "newsletter", share: 10, connection: event.ConnectionCloudAPI,
			registered: [2]int{200, 1500},
			outreach:   outreach{runs: []int{10}, every: 3, size: 420, gap: 4 * second, least: second / 5},
			book:       4000, visits: 6, visitHours: wakingHours, reply: .14, stop: .01, read: .65,
			undelivered: .01, failContact: .003, blocks: .0008, noOptIn: .003, foreign: .03,
			category: event.CategoryMarketing,
		},
		{
			name: "campaigns", share: 8, connection: event.ConnectionCloudAPI,
			registered: [2]int{300, 1500},
			outreach:   outreach{runs: []int{9, 17}, every: 1, size: 200, gap: 2500, least: second / 10},
			book:       9000, visits: 12, visitHours: wakingHours, reply: .1, stop: .01, read: .6,
			undelivered: .01, failContact: .003, blocks: .0008, noOptIn: .003, foreign: .03,
			category: event.CategoryMarketing,
		},
		{
			name: "newcomer", share: 6, connection: event.ConnectionBusinessApp,
			registered: [2]int{0, 0}, joins: [2]int{2, 22},
			outreach: outreach{perDay: 8, growth: 1, hours: shopHours, least: 40 * second},
			book:     600, visits: 6, visitHours: wakingHours, reply: .65, stop: .003, read: .8,
			undelivered: .01, failContact: .002, foreign: .02,
		},
	}
}

// smallShop is also how most misbehaving numbers begin.
func smallShop() *profile {
	return &profile{
		name: "small_shop", share: 22, connection: event.ConnectionBusinessApp,
		registered: [2]int{90, 1500},
		outreach:   outreach{perDay: 13, hours: shopHours, least: 40 * second},
		book:       500, visits: 9, visitHours: wakingHours, reply: .65, stop: .003, read: .8,
		undelivered: .01, failContact: .002, blocks: .0003, noOptIn: .004, foreign: .03,
	}
}
