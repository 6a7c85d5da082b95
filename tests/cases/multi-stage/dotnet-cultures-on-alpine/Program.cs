var app = WebApplication.CreateBuilder(args).Build();
app.MapGet("/", () => 12.5m.ToString("C", new System.Globalization.CultureInfo("de-DE")));
app.Run();
