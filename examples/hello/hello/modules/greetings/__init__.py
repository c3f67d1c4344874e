"""Greetings: who said what, and what was answered."""

from euryale.framework.modules import Module
from hello.modules.greetings.models import Base
from hello.modules.greetings.records import Greeting
from hello.modules.greetings.service import Greetings

GREETINGS = Module("greetings", services=[Greetings], models=Base)

__all__ = ["GREETINGS", "Greeting", "Greetings"]
