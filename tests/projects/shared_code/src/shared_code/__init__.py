ANSWER = "of the same repository"
