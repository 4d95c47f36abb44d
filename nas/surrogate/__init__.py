"""What finished trials say about every architecture, tried or not, and how sure that is.

The score of architecture a is f(a) = level + the weights of its features + r(a). Every weight of a group g of features
is drawn from N(0, scale_g^2), what features do not tell, r(a), from N(0, rest^2), and a trial of one seed adds noise
from N(0, noise^2): a Gaussian process whose kernel adds up what architectures share. Rasmussen, Williams: Gaussian
Processes for Machine Learning, MIT Press 2006, chapters 2 and 5, http://gaussianprocess.org/gpml/.
"""
