module.exports = {
  greet(event, context) {
    const name = event.data?.name ?? (event.data || "world");
    return { hello: name, handler: context["function-name"] };
  },
};
