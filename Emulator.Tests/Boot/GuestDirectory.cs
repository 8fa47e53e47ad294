using NUnit.Framework;

namespace Emulator.Tests.Boot;

/// <summary>Finds the guests that .ci/guests builds: in EMULATOR_GUESTS, else in artifacts/guests of the repository.</summary>
internal static class GuestDirectory
{
    /// <summary>Environment variable that names the directory when it is not in the repository.</summary>
    public const string Variable = "EMULATOR_GUESTS";

    /// <summary>The path of one file; the test is skipped when it is not there.</summary>
    /// <param name="parts">Path below the directory, for example <c>linux</c>, <c>vmlinuz-686</c>.</param>
    public static string File(params string[] parts)
    {
        string? root = Environment.GetEnvironmentVariable(Variable);
        if (string.IsNullOrEmpty(root))
        {
            root = Path.Combine(Repository(), "artifacts", "guests");
        }

        string path = Path.Combine([root, .. parts]);
        if (!System.IO.File.Exists(path))
        {
            Assert.Ignore($"{path} is not there: run .ci/guests, or set {Variable} to a directory that it filled");
        }

        return path;
    }

    private static string Repository()
    {
        for (DirectoryInfo? at = new(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (System.IO.File.Exists(Path.Combine(at.FullName, "Emulator.sln")))
            {
                return at.FullName;
            }
        }

        return AppContext.BaseDirectory;
    }
}
