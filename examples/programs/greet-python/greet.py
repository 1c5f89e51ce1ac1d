def greet(event, context):
    data = event["data"]
    name = data.get("name", "world") if isinstance(data, dict) else data or "world"
    return {"hello": name, "handler": context["function-name"]}
