// global-totals: everything that was recorded, over all anime.
//
// No partition. State:
//   clicks, views, seconds   as in anime-activity
//   ratings                  ratings given, first and repeated ones alike
//   others                   catalogue events, and what this version cannot read

fromCategory('anime').when({
  $init: function () {
    return { clicks: 0, views: 0, seconds: 0, ratings: 0, others: 0 };
  },
  $any: function (state, event) {
    if (isSystemEvent(event)) return state;
    const interaction = interactionOf(event);
    const type = interaction === null ? null : interaction.type;
    if (type === 'ClickRegistered') state.clicks += 1;
    else if (type === 'ViewRegistered') {
      state.views += 1;
      state.seconds = addSeconds(state.seconds, interaction.seconds);
    } else if (type === 'RatingGiven') state.ratings += 1;
    else state.others += 1;
    return state;
  },
});
