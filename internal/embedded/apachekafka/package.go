package apachekafka

import (
	"context"
	_ "embed"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"

	"sendwatch/internal/embedded/fetch"
)

// Version is the version of Apache Kafka that is run.
const Version = "4.3.0"

// minJava is the oldest Java that Kafka's broker runs on.
const minJava = 17

// jarSums is the checksum of each jar that the project file below resolves to.
//
//go:embed jars.sum
var jarSums string

// pom asks for the broker, and for the bridge that carries its log to log4j:
// without one it is mute.
const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>sendwatch</groupId>
  <artifactId>embedded-kafka</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>` + Version + `</version>
    </dependency>
    <dependency>
      <groupId>org.apache.logging.log4j</groupId>
      <artifactId>log4j-slf4j-impl</artifactId>
      <version>2.25.3</version>
    </dependency>
  </dependencies>
</project>
`

// jars returns the folder with the broker's jars, fetching them if needed.
func jars(ctx context.Context, report fetch.Report) (string, error) {
	cache, err := fetch.Open()
	if err != nil {
		return "", err
	}
	return cache.Maven(ctx, fetch.Maven{
		Title: "Apache Kafka " + Version, Name: "kafka-" + Version, POM: pom, Sums: jarSums, Bytes: 45_024_093,
		Advice: "install Maven to fetch Apache Kafka for these tests",
	}, report)
}

// checkJava makes sure that a Java new enough is on the path.
func checkJava(ctx context.Context) error {
	advice := fmt.Sprintf("install Java %d or newer to run Apache Kafka for these tests", minJava)
	path, err := exec.LookPath("java")
	if err != nil {
		return &fetch.MissingError{Program: "java", Advice: advice}
	}
	out, err := exec.CommandContext(ctx, path, "-version").CombinedOutput()
	if ctx.Err() != nil {
		return context.Cause(ctx) // killed with us: that says nothing about Java
	}
	if err != nil {
		// macOS has a java command that only says that there is no Java.
		return &fetch.MissingError{Program: "java", Advice: advice}
	}
	match := regexp.MustCompile(`version "(\d+)`).FindSubmatch(out)
	if match == nil {
		return fmt.Errorf("java -version does not tell a version: %.100q", out)
	}
	if major, err := strconv.Atoi(string(match[1])); err != nil || major < minJava {
		return &fetch.MissingError{Program: fmt.Sprintf("Java %d", minJava), Advice: fmt.Sprintf("this is Java %s; %s", match[1], advice)}
	}
	return nil
}
