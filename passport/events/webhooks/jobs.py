"""The name of the job that sends one message: whoever writes a message asks for it by this."""

SEND = "passport.events.webhooks.send"
