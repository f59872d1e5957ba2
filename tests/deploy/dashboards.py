"""What deploy/grafana/dashboards ask Prometheus, and whether Grafana can take them (its classic dashboard model)."""
import json

from processes import ROOT

FILES = sorted((ROOT / "deploy/grafana/dashboards").glob("*.json"))
UNITS = {"short", "s", "bytes", "percentunit", "reqps", "sci", "celsius"}
KINDS = {"timeseries", "stat"}
WIDTH = 24  # columns of Grafana's grid


def load():
    return {path.stem: json.loads(path.read_text()) for path in FILES}


def expressions(dashboard):
    """(where, expression) of every panel and annotation."""
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield f"{dashboard['uid']} '{panel['title']}' {target['refId']}", target["expr"]
    for annotation in dashboard["annotations"]["list"]:
        yield f"{dashboard['uid']} annotation {annotation['name']}", annotation["expr"]


def filled(expression, values):
    """As Grafana sends it with these values of the variables: name to list."""
    for name, chosen in values.items():
        expression = expression.replace(f"${name}", "|".join(chosen))
    return expression.replace("$__rate_interval", "1m")


def faults(dashboard):
    """What Grafana's dashboard model does not allow, in words."""
    found = []

    def check(holds, what):
        if not holds:
            found.append(what)

    check(isinstance(dashboard.get("uid"), str) and len(dashboard["uid"]) <= 40, "uid is no text of at most 40 characters")
    check(isinstance(dashboard.get("schemaVersion"), int) and dashboard["schemaVersion"] >= 36, "schemaVersion is before 36")
    check("id" not in dashboard, "has an id of some Grafana's database")
    ids = [panel["id"] for panel in dashboard["panels"]]
    check(len(ids) == len(set(ids)), "two panels have one id")
    taken = {}
    for panel in dashboard["panels"]:
        name, place = panel["title"], panel["gridPos"]
        check(panel["type"] in KINDS, f"{name}: type {panel['type']}")
        check(panel["fieldConfig"]["defaults"]["unit"] in UNITS, f"{name}: unit")
        check(0 <= place["x"] and place["x"] + place["w"] <= WIDTH, f"{name}: beyond the grid")
        for cell in ((x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])):
            check(taken.setdefault(cell, name) == name, f"{name} lies on {taken[cell]}")
        references = [target["refId"] for target in panel["targets"]]
        check(references and len(references) == len(set(references)), f"{name}: refId")
    names = {variable["name"] for variable in dashboard["templating"]["list"]}
    for where, expression in expressions(dashboard):
        left = filled(expression, {name: ["x"] for name in names})
        check("$" not in left, f"{where}: a variable that the dashboard does not have")
    for user in [*dashboard["panels"], *dashboard["templating"]["list"], *dashboard["annotations"]["list"]]:
        check(user["datasource"] == {"type": "prometheus", "uid": "mae-prometheus"}, "not the provisioned data source")
    return found
