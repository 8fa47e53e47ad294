namespace Emulator.Tests.Conformance;

/// <summary>Finds the files that the project shares beside its repository.</summary>
internal static class SharedFiles
{
    /// <summary>Environment variable that names the directory when it is not beside the repository.</summary>
    public const string Variable = "EMULATOR_SHARED";

    /// <summary>A directory in <c>shared</c>, looked for in EMULATOR_SHARED and in every directory above the program; null when absent.</summary>
    /// <param name="name">For example <c>vectors</c>.</param>
    public static string? Find(string name)
    {
        string? set = Environment.GetEnvironmentVariable(Variable);
        if (!string.IsNullOrEmpty(set))
        {
            string path = Path.Combine(set, name);
            return Directory.Exists(path) ? path : null;
        }

        for (DirectoryInfo? at = new(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            string path = Path.Combine(at.FullName, "shared", name);
            if (Directory.Exists(path))
            {
                return path;
            }
        }

        return null;
    }
}
