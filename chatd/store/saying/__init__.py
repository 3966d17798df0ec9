"""What moderators are shown of what people say."""
