"""Landmarks from which features measure distances: cities and the coast.

Rounded to hundredths of a degree, as the data set's coordinates are. Cities: the points of the U.S.
Geological Survey's Geographic Names Information System (https://www.usgs.gov/tools/geographic-names-information-system-gnis).
Coast: capes, points and towns of the same source, from the border of Oregon to that of Mexico.
"""

from housing.subject import Geography

CITIES: dict[str, tuple[float, float]] = {
    "los_angeles": (34.05, -118.24),
    "san_diego": (32.72, -117.16),
    "san_jose": (37.34, -121.89),
    "san_francisco": (37.77, -122.42),
    "sacramento": (38.58, -121.49),
    "fresno": (36.74, -119.79),
}
COAST: tuple[tuple[float, float], ...] = (
    (41.99, -124.21),  # border of Oregon
    (41.75, -124.20),  # Crescent City
    (41.06, -124.14),  # Trinidad
    (40.44, -124.41),  # Cape Mendocino
    (40.03, -124.07),  # Shelter Cove
    (39.44, -123.81),  # Fort Bragg
    (38.95, -123.74),  # Point Arena
    (38.31, -123.05),  # Bodega Head
    (38.00, -123.02),  # Point Reyes
    (37.76, -122.51),  # San Francisco
    (37.46, -122.44),  # Half Moon Bay
    (36.95, -122.03),  # Santa Cruz
    (36.64, -121.93),  # Point Pinos
    (36.31, -121.90),  # Point Sur
    (35.64, -121.19),  # San Simeon
    (35.37, -120.87),  # Morro Bay
    (34.45, -120.47),  # Point Conception
    (34.40, -119.70),  # Santa Barbara
    (34.27, -119.29),  # Ventura
    (34.00, -118.81),  # Point Dume
    (34.01, -118.50),  # Santa Monica
    (33.74, -118.41),  # Palos Verdes
    (33.76, -118.19),  # Long Beach
    (33.61, -117.93),  # Newport Beach
    (33.46, -117.70),  # Dana Point
    (33.19, -117.39),  # Oceanside
    (32.85, -117.28),  # La Jolla
    (32.67, -117.24),  # Point Loma
    (32.53, -117.12),  # border of Mexico
)

GEOGRAPHY = Geography(
    place=("Latitude", "Longitude"),
    step=0.01,
    origin=(37.0, -120.0),
    middle_latitude=36.5,
    cities=CITIES,
    coast=COAST,
    averaged=("MedInc", "HouseAge", "AveRooms"),
    alike="MedInc",
    far_km=25.0,  # in towns, rows are a few hundred metres apart
)
