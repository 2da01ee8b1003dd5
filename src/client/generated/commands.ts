// Written by `npm run client:types`; a test compares it with the APIs.

export interface components {
  schemas: {
    /** @description A user clicked on an anime. */
    readonly Click: {
      /** @description The MyAnimeList id. */
      readonly anime_id: number;
      /** @description The id of the user, in any form that identifies users. */
      readonly user_id: string;
      /**
       * Format: date-time
       * @description When it happened, with an offset, if that is not now: at most 7 days ago and at most 5 minutes ahead.
       */
      readonly occurred_at?: string;
    };
    /** @description A user viewed an anime. */
    readonly View: {
      /** @description The MyAnimeList id. */
      readonly anime_id: number;
      /** @description The id of the user, in any form that identifies users. */
      readonly user_id: string;
      /**
       * Format: date-time
       * @description When it happened, with an offset, if that is not now: at most 7 days ago and at most 5 minutes ahead.
       */
      readonly occurred_at?: string;
      /** @description How long the user viewed it, in whole seconds. */
      readonly duration_seconds: number;
    };
    /** @description A user rated an anime. It replaces the user's earlier rating. */
    readonly Rating: {
      /** @description The MyAnimeList id. */
      readonly anime_id: number;
      /** @description The id of the user, in any form that identifies users. */
      readonly user_id: string;
      /**
       * Format: date-time
       * @description When it happened, with an offset, if that is not now: at most 7 days ago and at most 5 minutes ahead.
       */
      readonly occurred_at?: string;
      /** @description The rating, stored rounded to hundredths, half up. */
      readonly rating: number;
    };
    /** @description The results of a batch. */
    readonly BatchResults: {
      /** @description One result for each command, in the order of the commands. */
      readonly results: readonly {
        /**
         * Format: uri-reference
         * @description The type of the problem; about:blank if the status says it all.
         */
        readonly type?: string;
        /** @description The type in words. */
        readonly title?: string;
        /** @description The HTTP status that a single command would have. */
        readonly status: number;
        /** @description What is wrong, as a sentence. */
        readonly detail?: string;
        /**
         * Format: uri-reference
         * @description The path of the request.
         */
        readonly instance?: string;
        /** @description The id of the request, as in the log. */
        readonly requestId?: string;
        /** @description For stream-unreadable and stream-truncated: the stream. */
        readonly stream?: string;
        /** @description The revision of the anime; in a problem, that of the event. */
        readonly revision?: string;
        /** @description The type of that event. */
        readonly eventType?: string;
        /** @description The invalid fields. */
        readonly errors?: readonly {
          /** @description A JSON pointer into the body. */
          readonly pointer: string;
          /** @description What is wrong, as a sentence. */
          readonly detail: string;
        }[];
        /**
         * Format: uuid
         * @description The id of the event.
         */
        readonly eventId?: string;
        /** @description The MyAnimeList id. */
        readonly animeId?: number;
        /** @description A log position at or after the event. */
        readonly position?: string;
        /** @description The rating as stored, rounded to hundredths. */
        readonly rating?: number;
        /** @description Present if the command had already been recorded. */
        readonly replayed?: boolean;
      }[];
    };
    /** @description The catalogue entry of an anime. A detail that is absent or null is unknown. */
    readonly Details: {
      /** @description Its title. */
      readonly title: string;
      /** @description What it is about; may have lines. */
      readonly description?: string | null;
      /** @description The address of a picture. */
      readonly image?: string | null;
      /** @description Such as TV, Movie or OVA. */
      readonly type?: string | null;
      /** @description How many episodes it has. */
      readonly episodes?: number | null;
      /** @description Its genres; none by default, never null. */
      readonly genres?: readonly string[];
      /** @description Its score elsewhere. */
      readonly score?: number | null;
      /** @description Its rank; 1 is the most popular. */
      readonly popularity?: number | null;
      /** @description How many people follow it. */
      readonly members?: number | null;
    };
    /** @description The command succeeded. Without an eventId, nothing had to change. */
    readonly Recorded: {
      /**
       * @description Always ok.
       * @constant
       */
      readonly status: 'ok';
      /** @description The result, as a sentence. */
      readonly message: string;
      /**
       * Format: uuid
       * @description The id of the event that was recorded.
       */
      readonly eventId?: string;
      /** @description The MyAnimeList id. */
      readonly animeId: number;
      /** @description The revision of the anime; pass it to queries as minRevision. */
      readonly revision: string;
      /** @description A log position at or after the event. */
      readonly position?: string;
      /** @description The rating as stored, rounded to hundredths. */
      readonly rating?: number;
    };
    /** @description A problem document (RFC 9457). */
    readonly Problem: {
      /**
       * Format: uri-reference
       * @description The type of the problem; about:blank if the status says it all.
       */
      readonly type: string;
      /** @description The type in words. */
      readonly title: string;
      /** @description The HTTP status. */
      readonly status: number;
      /** @description What is wrong, as a sentence. */
      readonly detail: string;
      /**
       * Format: uri-reference
       * @description The path of the request.
       */
      readonly instance?: string;
      /** @description The id of the request, as in the log. */
      readonly requestId?: string;
      /** @description For stream-unreadable and stream-truncated: the stream. */
      readonly stream?: string;
      /** @description The revision of the unreadable event, or of the first one that is left. */
      readonly revision?: string;
      /** @description The type of that event. */
      readonly eventType?: string;
      /** @description The invalid fields. */
      readonly errors?: readonly {
        /** @description A JSON pointer into the body. */
        readonly pointer: string;
        /** @description What is wrong, as a sentence. */
        readonly detail: string;
      }[];
      /** @description Of a batch that turned out too long: what had been decided by then. */
      readonly results?: readonly {
        /**
         * Format: uri-reference
         * @description The type of the problem; about:blank if the status says it all.
         */
        readonly type?: string;
        /** @description The type in words. */
        readonly title?: string;
        /** @description The HTTP status that a single command would have. */
        readonly status: number;
        /** @description What is wrong, as a sentence. */
        readonly detail?: string;
        /**
         * Format: uri-reference
         * @description The path of the request.
         */
        readonly instance?: string;
        /** @description The id of the request, as in the log. */
        readonly requestId?: string;
        /** @description For stream-unreadable and stream-truncated: the stream. */
        readonly stream?: string;
        /** @description The revision of the anime; in a problem, that of the event. */
        readonly revision?: string;
        /** @description The type of that event. */
        readonly eventType?: string;
        /** @description The invalid fields. */
        readonly errors?: readonly {
          /** @description A JSON pointer into the body. */
          readonly pointer: string;
          /** @description What is wrong, as a sentence. */
          readonly detail: string;
        }[];
        /**
         * Format: uuid
         * @description The id of the event.
         */
        readonly eventId?: string;
        /** @description The MyAnimeList id. */
        readonly animeId?: number;
        /** @description A log position at or after the event. */
        readonly position?: string;
        /** @description The rating as stored, rounded to hundredths. */
        readonly rating?: number;
        /** @description Present if the command had already been recorded. */
        readonly replayed?: boolean;
      }[];
    };
  };
  responses: never;
  parameters: never;
  requestBodies: never;
  headers: never;
  pathItems: never;
}
export type SchemaClick = components['schemas']['Click'];
export type SchemaView = components['schemas']['View'];
export type SchemaRating = components['schemas']['Rating'];
export type SchemaBatchResults = components['schemas']['BatchResults'];
export type SchemaDetails = components['schemas']['Details'];
export type SchemaRecorded = components['schemas']['Recorded'];
export type SchemaProblem = components['schemas']['Problem'];
