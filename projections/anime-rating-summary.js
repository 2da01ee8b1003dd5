// anime-rating-summary: how many users rated each anime, and the sum of their last ratings.
//
// Reads what anime-rating-changes emits. Partition: `ratings-<id>`. State:
//   ratingCount      users who rated
//   ratingSum        of the last rating of each, in whole hundredths
//   firstRevision    the first and the last rating included, as revisions of the anime's stream;
//   revision         -1 before the first
//
// When anime-rating-changes is computed anew it emits everything again, from the anime's first
// rating on. So a revision that goes back means: begin anew.

fromCategory('ratings')
  .foreachStream()
  .when({
    $init: function () {
      return { ratingCount: 0, ratingSum: 0, firstRevision: -1, revision: -1 };
    },
    RatingReplaced: function (state, event) {
      const change = objectIn(event.bodyRaw);
      if (change === null || typeof change.rating !== 'number') return state;
      if (typeof change.revision !== 'number') return state;
      const isFirst = change.revision === state.firstRevision;
      if (change.revision === state.revision && !isFirst) return state;
      const goesOn = change.revision > state.revision && state.revision >= 0;
      const replaces = typeof change.previous === 'number';
      return {
        ratingCount: (goesOn ? state.ratingCount : 0) + (replaces ? 0 : 1),
        ratingSum:
          (goesOn ? state.ratingSum : 0) + change.rating - (replaces ? change.previous : 0),
        firstRevision: goesOn ? state.firstRevision : change.revision,
        revision: change.revision,
      };
    },
  });
