/** Live queries. Names and types are those of the queries. */
export const subscriptionTypes = /* GraphQL */ `
  "Live queries at /graphql/stream, as server-sent events: the present value at once, then each new one, at most 4 messages a second."
  type Subscription {
    "The counters of one anime; null while it is unknown."
    animeStats("The anime's id in the MyAnimeList catalogue." animeId: Int!): AnimeStats
    "The most viewed anime, most views first; those without views are left out."
    topAnimesByViews(
      "The maximum number of results. From 1 to 100."
      limit: Int = 10
    ): [AnimeStats!]!
    "The way from commands to documents, every second. If the service has API keys, one is required."
    pipeline: Pipeline
    "Events as they are appended to the log, up to 500 in a message. Only those that log shows, with the same errors. Resumes after Last-Event-ID."
    events(
      "Only events of these types. At most 50, each of at most 200 characters."
      types: [String!]
      "Only the newest of each message, for a display: older ones are left out, and nothing resumes. From 1 to 100; by default all."
      newest: Int
    ): [RecordedEvent!]!
  }
`;
