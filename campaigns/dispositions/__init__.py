"""What operators say came of a conversation: sets of dispositions, form fields, answers."""
