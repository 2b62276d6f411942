#!/usr/bin/env bash
# @platformatic/kafka: the partition of a key, beside Java's.
#
# Expected: "murmur2" in a Kafka client means Java's partitions: the hash without
#           its sign bit, modulo the number of partitions.
# Seen:     the default partitioner keeps the sign bit as a value (>>> 0), so that
#           about half of all keys fall on other partitions than Java's, KafkaJS's
#           and librdkafka's murmur2_random. The partitioner that agrees is there
#           under another name, compatibilityPartitioner, and must be asked for.
# So:       producers of one topic must be set to one partitioner, else a sender's
#           events lie on two partitions.
# Versions: @platformatic/kafka 2.12.1, kafkajs 2.2.4 (whose default partitioner is
#           Java's), Node 20 or later.
# Output:   of 40 keys on 12 partitions, default agrees on 19, compatibility on 40
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-fund --no-audit @platformatic/kafka@2.12.1 kafkajs@2.2.4

cat >keys.mjs <<'JS'
import { compatibilityPartitioner, defaultPartitioner } from '@platformatic/kafka'
import kafkajs from 'kafkajs'

const partitions = 12
const keys = Array.from({ length: 40 }, (_, i) => Buffer.from(`10654035224${2900 + i}`))
const partitionMetadata = Array.from({ length: partitions }, (_, partitionId) => ({ partitionId, leader: 0 }))
const java = kafkajs.Partitioners.DefaultPartitioner()
const agree = (partitioner) => keys.filter((key) =>
  partitioner({ key }, key) % partitions === java({ topic: 't', partitionMetadata, message: { key } })).length

const byDefault = agree(defaultPartitioner)
const byRequest = agree(compatibilityPartitioner)
console.log(`of ${keys.length} keys on ${partitions} partitions, default agrees on ${byDefault}, compatibility on ${byRequest}`)
if (byRequest !== keys.length) throw new Error('changed: the compatibility partitioner disagrees with Java')
if (byDefault === keys.length) throw new Error('changed: the default partitioner agrees with Java')
JS
node keys.mjs
