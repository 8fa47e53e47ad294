using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using Emulator.Core.Cpu;
using NUnit.Framework;

namespace Emulator.Tests.Architecture;

/// <summary>Rules on what the assemblies of the library may refer to, read from their metadata.</summary>
[TestFixture]
internal sealed class AssemblyRuleTests
{
    /// <summary>Members that make a run depend on the host: clock, random seed, environment, culture, threads.</summary>
    private static readonly (string Type, string[]? Members)[] HostDependent =
    [
        ("System.DateTime", ["get_Now", "get_UtcNow", "get_Today"]),
        ("System.DateTimeOffset", ["get_Now", "get_UtcNow"]),
        ("System.TimeProvider", null),
        ("System.Diagnostics.Stopwatch", null),
        ("System.Random", null),
        ("System.Security.Cryptography.RandomNumberGenerator", null),
        ("System.Guid", ["NewGuid", "CreateVersion7"]),
        ("System.Environment", null),
        ("System.Globalization.CultureInfo", ["get_CurrentCulture", "get_CurrentUICulture"]),
        ("System.Threading.Thread", null),
        ("System.Threading.Timer", null),
        ("System.Threading.ThreadPool", null),
        ("System.Threading.Tasks.Task", ["Run", "Delay"]),
        ("System.Console", null),
    ];

    /// <summary>What compilers emit for iterators, and what makes the name of a temporary file unique.</summary>
    private static readonly string[] Harmless = ["get_CurrentManagedThreadId", "get_ProcessId"];

    [Test]
    public void Core_refers_to_no_other_part() => Assert.That(References("Emulator.Core"), Is.Empty);

    [TestCase("Emulator.Jit")]
    [TestCase("Emulator.Devices")]
    public void Jit_and_devices_refer_to_core_only(string name) => Assert.That(References(name), Is.SubsetOf(new[] { "Emulator.Core" }));

    [TestCase("Emulator.Core")]
    [TestCase("Emulator.Devices")]
    public void Machine_code_does_not_look_at_the_host(string name)
    {
        using PEReader file = new(File.OpenRead(AssemblyPath(name)));
        MetadataReader metadata = file.GetMetadataReader();
        List<string> found = [];
        foreach (MemberReferenceHandle handle in metadata.MemberReferences)
        {
            MemberReference member = metadata.GetMemberReference(handle);
            if (member.Parent.Kind != HandleKind.TypeReference)
            {
                continue;
            }

            TypeReference type = metadata.GetTypeReference((TypeReferenceHandle)member.Parent);
            string typeName = $"{metadata.GetString(type.Namespace)}.{metadata.GetString(type.Name)}";
            string memberName = metadata.GetString(member.Name);
            bool forbidden = HostDependent.Any(rule => rule.Type == typeName && (rule.Members is null || rule.Members.Contains(memberName)));
            if (forbidden && !Harmless.Contains(memberName))
            {
                found.Add($"{typeName}.{memberName}");
            }
        }

        Assert.That(found, Is.Empty, "time comes from Clock, chance from a seed in the configuration, everything else through the front end");
    }

    private static string AssemblyPath(string name) =>
        Path.Combine(Path.GetDirectoryName(typeof(CpuCore).Assembly.Location)!, name + ".dll");

    private static string[] References(string name) =>
        [.. Assembly.LoadFrom(AssemblyPath(name)).GetReferencedAssemblies().Select(a => a.Name!).Where(n => n.StartsWith("Emulator.", StringComparison.Ordinal) || n == "emu")];
}
