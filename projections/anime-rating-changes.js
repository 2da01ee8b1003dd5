// anime-rating-changes: what each rating replaces. Needs emit.
//
// Partition: anime and user, `<id>-<user id, percent-encoded>`. State: that user's last rating of
// that anime, nothing else; a map of users in one state would grow without end.
//
// Emits to `ratings-<id>`, once per rating, in the order of the anime's stream:
//   RatingReplaced { animeId, previous, rating, revision, occurredAt }
// Ratings are whole hundredths. `previous` is null for a user's first rating of the anime, so that a
// reader of `ratings-<id>` alone can tell both how many rated and the sum. `revision` is that of
// the rating in the anime's stream. Nobody else may write to these streams.

fromCategory('anime')
  .partitionBy(function (event) {
    const rating = event.eventType === 'RatingGiven' ? interactionOf(event) : null;
    return rating === null ? null : rating.animeId + '-' + encodeURIComponent(rating.userId);
  })
  .when({
    $init: function () {
      return { hundredths: null };
    },
    RatingGiven: function (state, event) {
      const rating = interactionOf(event);
      if (rating === null) return state;
      emit('ratings-' + rating.animeId, 'RatingReplaced', {
        animeId: rating.animeId,
        previous: state.hundredths,
        rating: rating.hundredths,
        revision: event.sequenceNumber,
        occurredAt: rating.occurredAt,
      });
      return { hundredths: rating.hundredths };
    },
  });
