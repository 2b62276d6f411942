package event

// The roles of a process, as configuration, metrics and status name them.
const (
	RoleNumbers    = "numbers"    // reads events, raises flags of numbers, writes rows
	RolePortfolios = "portfolios" // reads rows, raises flags of portfolios
	RoleSink       = "sink"       // reads rows, stores them in ClickHouse
	RoleGateway    = "gateway"    // takes providers' webhooks, writes events
)
