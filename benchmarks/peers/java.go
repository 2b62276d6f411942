package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"sendwatch/internal/embedded/fetch"
)

// The jobs of the peers on Java, compiled against the jars when they are needed.
//
//go:embed java/*.java
var javaSources embed.FS

//go:embed jars/flink.sum
var flinkSums string

//go:embed jars/streams.sum
var streamsSums string

const (
	flinkVersion   = "2.2.1"
	streamsVersion = "4.1.0"
	mavenAdvice    = "install Maven (Debian: maven), or leave these peers out with -only"
)

// dependency is one line of a project file.
type dependency struct{ group, name, version string }

// pom writes a project file with the dependencies.
func pom(name string, list []dependency) string {
	var b strings.Builder
	b.WriteString(`<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>` +
		`<groupId>sendwatch</groupId><artifactId>` + name + `</artifactId><version>1</version><dependencies>`)
	for _, d := range list {
		b.WriteString("<dependency><groupId>" + d.group + "</groupId><artifactId>" + d.name + "</artifactId><version>" + d.version + "</version></dependency>")
	}
	b.WriteString("</dependencies></project>\n")
	return b.String()
}

// Both read JSON with the same parser and say on standard error what goes wrong.
func withCommon(list ...dependency) []dependency {
	return append(list, dependency{"com.fasterxml.jackson.core", "jackson-core", "2.19.2"}, dependency{"org.slf4j", "slf4j-simple", "1.7.36"})
}

func flinkJars() fetch.Maven {
	const group = "org.apache.flink"
	return fetch.Maven{
		Title: "Apache Flink " + flinkVersion, Name: "peer-flink-" + flinkVersion, Bytes: 139_000_000, Sums: flinkSums, Advice: mavenAdvice,
		POM: pom("peer-flink", withCommon(
			dependency{group, "flink-streaming-java", flinkVersion}, dependency{group, "flink-clients", flinkVersion},
			dependency{group, "flink-connector-base", flinkVersion}, dependency{group, "flink-statebackend-rocksdb", flinkVersion},
			dependency{group, "flink-connector-kafka", "5.0.0-2.2"})),
	}
}

func streamsJars() fetch.Maven {
	return fetch.Maven{
		Title: "Kafka Streams " + streamsVersion, Name: "peer-streams-" + streamsVersion, Bytes: 95_000_000, Sums: streamsSums, Advice: mavenAdvice,
		POM: pom("peer-streams", withCommon(dependency{"org.apache.kafka", "kafka-streams", streamsVersion})),
	}
}

// compiled fetches the jars and compiles the job, once a run; it returns the class path.
func compiled(ctx context.Context, o *options, jars fetch.Maven, job string) (string, error) {
	for _, program := range []string{"javac", "java"} {
		if _, err := exec.LookPath(program); err != nil {
			return "", errors.New(program + " was not found on this machine: install a JDK of version 17 or newer (Debian: openjdk-17-jdk-headless), or leave Flink and Kafka Streams out with -only")
		}
	}
	cache, err := fetch.Open()
	if err != nil {
		return "", err
	}
	dir, err := cache.Maven(ctx, jars, fetch.Bar(os.Stderr))
	if err != nil {
		return "", err
	}
	classes := filepath.Join(o.folder, job)
	path := classes + string(os.PathListSeparator) + filepath.Join(dir, "*")
	if _, err := os.Stat(classes); err == nil {
		return path, nil
	}
	args := []string{"-nowarn", "-d", classes, "-cp", filepath.Join(dir, "*")}
	for _, name := range []string{"Event", "Facts", job} {
		source, err := javaSources.ReadFile("java/" + name + ".java")
		if err != nil {
			return "", err
		}
		file := filepath.Join(o.folder, name+".java")
		if err := os.WriteFile(file, source, 0o644); err != nil {
			return "", err
		}
		args = append(args, file)
	}
	if out, err := exec.CommandContext(ctx, "javac", args...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("javac: %w\n%s", err, out)
	}
	return path, nil
}

// java is the command line of a job: one processor, as the other systems have it, and with it
// the serial collector, which is the quickest one there.
func java(path, job string, args ...string) []string {
	return append([]string{
		"java", "-Xms4g", "-Xmx4g", "-XX:+UseSerialGC", "-XX:+UseTransparentHugePages", "-XX:ActiveProcessorCount=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", path, job,
	}, args...)
}
