"""The names of the 43 classes of GTSRB, by class number."""

SIGN_NAMES: tuple[str, ...] = (
    "speed limit 20 km/h",  # 0
    "speed limit 30 km/h",
    "speed limit 50 km/h",
    "speed limit 60 km/h",
    "speed limit 70 km/h",
    "speed limit 80 km/h",  # 5
    "end of speed limit 80 km/h",
    "speed limit 100 km/h",
    "speed limit 120 km/h",
    "no passing",
    "no passing for heavy vehicles",  # 10
    "right of way at next intersection",
    "priority road",
    "yield",
    "stop",
    "no vehicles",  # 15
    "no heavy vehicles",
    "no entry",
    "general caution",
    "dangerous curve left",
    "dangerous curve right",  # 20
    "double curve",
    "bumpy road",
    "slippery road",
    "road narrows on the right",
    "road work",  # 25
    "traffic signals",
    "pedestrians",
    "children crossing",
    "bicycles crossing",
    "ice or snow",  # 30
    "wild animals crossing",
    "end of all limits",
    "turn right ahead",
    "turn left ahead",
    "ahead only",  # 35
    "straight or right",
    "straight or left",
    "keep right",
    "keep left",
    "roundabout",  # 40
    "end of no passing",
    "end of no passing for heavy vehicles",
)
