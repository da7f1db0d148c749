"""occpred: does an explicit reason help a language model predict a person's next occupation?"""
