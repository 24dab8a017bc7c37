-- The activity of their order that points of a lot wait for: it makes what is pending available sooner than `activates_at`, or at all where that is
-- not set. It is gone once the activity came.
alter table lot add column waits_for text;
