"""The restaurants' and operators' side."""

import os
from dataclasses import dataclass
from functools import cache

from maitred import config
from maitred.adapters.postgres.restaurants import PostgresRestaurants
from maitred.bootstrap.core import Core, core
from maitred.services.process_assignment import ProcessAssignment
from maitred.services.restaurants import RestaurantService


@dataclass(frozen=True, slots=True)
class Operations:
    core: Core
    restaurants: RestaurantService
    process: ProcessAssignment


@cache
def services() -> Operations:
    settings = config.load(config.OperationsSettings, os.environ)
    base = core(settings, "operations")
    kit = base.kit(settings)
    restaurants = RestaurantService(kit, PostgresRestaurants(base.database, "operations"))
    return Operations(base, restaurants, ProcessAssignment(kit))
