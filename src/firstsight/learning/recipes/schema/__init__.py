"""What a recipe may say, each default written once.

A recipe is a TOML file with one table for each class here. Unknown keys and impossible values
are refused with the key, what came and what was wanted. A module here for each part of a recipe.
"""

from firstsight.learning.recipes.schema.network import PhotoNetwork
from firstsight.learning.recipes.schema.parsing import parse_recipe
from firstsight.learning.recipes.schema.recipe import Recipe

__all__ = ["PhotoNetwork", "Recipe", "parse_recipe"]
