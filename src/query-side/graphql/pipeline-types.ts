/** The types of the query `pipeline`. */
export const pipelineTypes = /* GraphQL */ `
  "The way from commands to documents, as this process sees it. A field is null if only another process knows it."
  type Pipeline {
    "healthy, degraded or unhealthy, as /health says."
    status: String!
    "The version of the service."
    version: String!
    "The role of the process: query-api or all."
    role: String!
    "When the process started, in ISO 8601."
    startedAt: String!
    "How long the process has been running, in seconds."
    uptimeSeconds: Float!
    "Each part that /health lists."
    parts: [PipelinePart!]!
    "The event store, the bus and the read store, as far as this process uses them."
    servers: [PipelineServer!]!
    "From the log to the bus; null where another process runs it."
    bridge: PipelineBridge
    "The versions of the read models."
    readModels: [PipelineReadModels!]!
    "Per second, mean of the last minute."
    rates: PipelineRates!
    "Since the process started."
    counters: PipelineCounters!
    "Events and records that could not be applied, oldest first, of the first 1000; null where this process cannot read them."
    deadLetters(
      "The maximum number of results. From 1 to 100."
      first: Int = 20
      "The end cursor of the previous page."
      after: String
    ): DeadLetterConnection
    "One sample every 10 seconds of the last hour, oldest first, kept in the process."
    history: [PipelineSample!]!
    "The effective configuration by environment variable, with secrets masked; null in production without API keys."
    configuration: JSON
  }

  "A part that /health lists."
  type PipelinePart {
    "The name in /health."
    name: String!
    "healthy, degraded or unhealthy."
    status: String!
    "What is wrong and what to do; null if nothing is known to be."
    detail: String
  }

  "A server, or the embedded part in its place."
  type PipelineServer {
    "EventStoreDB, Kafka or MongoDB; Event store, Bus or Read store where they are embedded."
    name: String!
    "The hosts, without credentials; embedded for an embedded part."
    address: String!
    "The version that the server reports; null if it does not."
    version: String
    "healthy or unhealthy."
    status: String!
  }

  "The bridge of this process."
  type PipelineBridge {
    "starting, publishing, standing by, refusing or stopped."
    state: String!
    "The id of the bridge that publishes; null while none is known."
    owner: String
    "The position up to which the log is on the bus, as a decimal string; null while unknown."
    checkpoint: String
    "The position of the last event of the log, as a decimal string; null if the event store does not answer."
    head: String
    "The number of events read from the log and not yet on the bus; null until the end of the log was reached."
    lagEvents: Count
    "The age of the oldest of these events, in seconds."
    lagSeconds: Float
  }

  "A version of the read models."
  type PipelineReadModels {
    "The name of the version."
    name: String!
    "building, ready, active or old."
    state: String!
    "The number of events that its documents do not include yet; null where another process updates it."
    lagEvents: Count
    "The age of the oldest of these events, in seconds; null if unknown."
    lagSeconds: Float
    "How much of the log its documents include, from 0 to 1; null if unknown."
    progress: Float
    "The partitions of the bus that this process consumes for it."
    partitions: [PipelinePartition!]!
  }

  "A partition of the bus, as one version of the read models consumes it."
  type PipelinePartition {
    "From 0."
    partition: Int!
    "The number of records that wait."
    lagEvents: Count
    "The offset after the last record that was handled; null where the bus keeps none."
    offset: String
  }

  "What happened per second, mean of the last minute, or since the start of a younger process."
  type PipelineRates {
    "Commands, rejected ones too."
    commands: Float
    "Events published to the bus."
    published: Float
    "Documents saved."
    documents: Float
    "GraphQL operations."
    queries: Float
  }

  "What happened since the process started."
  type PipelineCounters {
    "Appends refused because another process had written the stream."
    conflicts: Count
    "Events that the documents already included."
    duplicates: Count
    "Gaps in delivered streams, filled from the event store."
    gaps: Count
    "Events and records that could not be applied."
    deadLetters: Count
    "Inconsistencies that should never happen."
    alarms: Count
    "GraphQL operations with errors in their response."
    errors: Count
  }

  "A page of dead letters, oldest first."
  type DeadLetterConnection {
    "One for each dead letter on this page."
    edges: [DeadLetterEdge!]!
    "How this page relates to the others."
    pageInfo: PageInfo!
  }

  "A dead letter on a page."
  type DeadLetterEdge {
    "The dead letter."
    node: DeadLetter!
    "Pass it as after to get the edges after this one."
    cursor: String!
  }

  "An event or record that could not be applied."
  type DeadLetter {
    "The stream; null if the record does not tell."
    stream: String
    "The revision in the stream, as a decimal string; null if the record does not tell."
    revision: String
    "Why it could not be applied."
    reason: String!
    "Where it was met."
    detail: String!
    "When it was set aside, in ISO 8601."
    time: String!
    "The command that recomputes its anime from the stream; null if it belongs to none."
    replayCommand: String
  }

  "The pipeline at one time. Rates are per second since the sample before."
  type PipelineSample {
    "In ISO 8601."
    time: String!
    "Commands per second."
    commands: Float
    "Events published per second."
    published: Float
    "Documents saved per second."
    documents: Float
    "Events that the active read models did not include."
    lagEvents: Count
    "The age of the oldest event that was not on the bus, in seconds."
    lagSeconds: Float
    "Resident memory of the process."
    memoryBytes: Float!
  }
`;
