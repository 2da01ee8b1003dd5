// user-timeline: everything that one user did, as a stream of links. Needs emit.
//
// Links each click, view and rating to `user-timeline-<user id, percent-encoded>`. User ids hold
// any character but control characters; encoded, a name is plain ASCII (at most 1.2 kB), and two
// users never share one. Read it with links resolved. Nobody else may write to these streams.

fromCategory('anime').when({
  $any: function (state, event) {
    const interaction = interactionOf(event);
    if (interaction !== null) {
      linkTo('user-timeline-' + encodeURIComponent(interaction.userId), event);
    }
    return state;
  },
});
