-- Builds that are known and were not read, to say how many they are.
CREATE INDEX grid_builds_unread ON grid_builds (group_id) WHERE length(cells) = 0;
