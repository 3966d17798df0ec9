-- What a school changed of its preset: JSON of the keys that differ.

ALTER TABLE tenant ADD COLUMN policy_changes_json TEXT COLLATE "C" NOT NULL DEFAULT '{}';
