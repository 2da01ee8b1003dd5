// anime-activity: what users did with each anime.
//
// Partition: the anime's stream, `anime-<id>`. State:
//   clicks, views, seconds   counted from every event that can be read
//   ratingRevision           revision of the last rating, -1 before the first: how far
//                            anime-rating-summary has to be to be as new as this state
//   revision                 the last event of the stream that is included, read or skipped

fromCategory('anime')
  .foreachStream()
  .when({
    $init: function () {
      return { clicks: 0, views: 0, seconds: 0, ratingRevision: -1, revision: -1 };
    },
    $any: function (state, event) {
      if (isSystemEvent(event)) return state;
      state.revision = event.sequenceNumber;
      const interaction = interactionOf(event);
      if (interaction === null) return state;
      if (interaction.type === 'ClickRegistered') state.clicks += 1;
      if (interaction.type === 'ViewRegistered') {
        state.views += 1;
        state.seconds = addSeconds(state.seconds, interaction.seconds);
      }
      if (interaction.type === 'RatingGiven') state.ratingRevision = event.sequenceNumber;
      return state;
    },
  });
