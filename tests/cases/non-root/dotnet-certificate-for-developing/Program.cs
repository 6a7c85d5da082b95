var app = WebApplication.CreateBuilder(args).Build();
app.MapGet("/", () => "Open");
app.Run();
