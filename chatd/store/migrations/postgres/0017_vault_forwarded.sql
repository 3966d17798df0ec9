-- Whose words a forwarded message held: they go with the person who said them first.

ALTER TABLE vault ADD COLUMN forwarded_author_id TEXT COLLATE "C";
