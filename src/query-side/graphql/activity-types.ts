import { MAX_ACTIVITY_DAYS } from './activity.js';

/** What a day and the totals both count. */
const countFields = `
  "The number of clicks."
  clicks: Count!
  "The number of views."
  views: Count!
  "The duration of the views, in seconds."
  seconds: Count!
  "The number of ratings given, repeated ratings of a user included."
  ratings: Count!
`;

/** Activity per day and all-time totals: their queries and types. */
export const activityTypes = /* GraphQL */ `
  extend type Query {
    "What happened to one anime on each UTC day of a range, oldest first; days without activity have zeros. Null when the anime is unknown."
    animeActivity(
      "The anime's id in the MyAnimeList catalogue."
      animeId: Int!
      "The first day, as YYYY-MM-DD, from 1970-01-01 on. By default 29 days before the last one; at most ${MAX_ACTIVITY_DAYS} days in all."
      from: String
      "The last day, as YYYY-MM-DD. By default today."
      to: String
      "Wait until the response includes this revision: the decimal string that a command returned."
      minRevision: String
    ): [ActivityPoint!]
    "What happened to all anime, delisted ones included, on each UTC day of a range, oldest first; days without activity have zeros."
    activity(
      "The first day, as YYYY-MM-DD, from 1970-01-01 on. By default 29 days before the last one; at most ${MAX_ACTIVITY_DAYS} days in all."
      from: String
      "The last day, as YYYY-MM-DD. By default today."
      to: String
    ): [ActivityPoint!]!
    "What happened to all anime, delisted ones included, since the first event, and how many are listed. At most a second old."
    totals: Totals!
  }

  "All that happened to all anime, delisted ones included."
  type Totals {
    "The number of listed anime."
    listed: Count!
    ${countFields}
  }

  "What happened on one UTC day."
  type ActivityPoint {
    "The UTC day, as YYYY-MM-DD."
    day: String!
    ${countFields}
  }
`;
