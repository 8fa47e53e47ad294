using System.Collections.Concurrent;
using System.Diagnostics.Tracing;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Emulator.Core.Cpu;
using Emulator.Devices;
using Emulator.Frontend.Roms;
using Emulator.Frontend.Running;
using Emulator.Jit;
using NUnit.Framework;
using TestRoms;

namespace Emulator.Tests.Lockstep;

/// <summary>Translations that are kept between runs: used again for the same code, and never trusted.</summary>
[TestFixture]
[NonParallelizable]
[Category("Lockstep")]
internal sealed class WarmStartTests
{
    private const uint Number = 0x13579BD1;
    private const string CompilerVariable = "EMULATOR_CROSSGEN2";
    private string _directory = null!;
    private string? _compiler;

    /// <summary>Bytes of IL that the last run compiled.</summary>
    private long _ilBytes;
    private long _firstRetired;
    private string _firstOutput = "";

    [SetUp]
    public void Prepare()
    {
        _directory = Path.Combine(Path.GetTempPath(), "emu-test-" + Guid.NewGuid().ToString("N"));
        _compiler = Environment.GetEnvironmentVariable(CompilerVariable);
        Environment.SetEnvironmentVariable(CompilerVariable, Path.Combine(_directory, "none"));
    }

    [TearDown]
    public void Clean()
    {
        Environment.SetEnvironmentVariable(CompilerVariable, _compiler);
        if (Directory.Exists(_directory))
        {
            Directory.Delete(_directory, recursive: true);
        }
    }

    [TestCase("x87")]
    [TestCase("paging")]
    [TestCase("self-modifying")]
    public void A_second_run_uses_the_regions_of_the_first(string rom)
    {
        (long retired, string output, long kept) = Run(rom, []);
        Assert.That(kept, Is.Zero);
        List<string> warnings = [];
        (long again, string outputAgain, kept) = Run(rom, warnings);
        Assert.Multiple(() =>
        {
            Assert.That(again, Is.EqualTo(retired));
            Assert.That(outputAgain, Is.EqualTo(output));
            Assert.That(kept, Is.Positive);
            Assert.That(warnings, Is.Empty);
        });
    }

    [Test]
    public void A_damaged_file_is_ignored_with_one_line([Values(0, 20, -1)] int position)
    {
        (long retired, string output, _) = Run("x87", []);
        string path = Directory.GetFiles(_directory).Single();
        byte[] file = File.ReadAllBytes(path);
        file[position < 0 ? file.Length + position : position] ^= 1;
        File.WriteAllBytes(path, file);
        List<string> warnings = [];
        (long again, string outputAgain, long kept) = Run("x87", warnings);
        Assert.Multiple(() =>
        {
            Assert.That(again, Is.EqualTo(retired));
            Assert.That(outputAgain, Is.EqualTo(output));
            Assert.That(kept, Is.Zero);
            Assert.That(warnings, Has.Count.EqualTo(1));
        });
    }

    [Test]
    public void A_file_of_another_build_is_ignored_with_one_line()
    {
        Run("x87", []);
        List<string> warnings = [];
        RegionCache cache = RegionCache.Load(_directory, RegionCache.Prefix, "another build", warnings.Add);
        Assert.Multiple(() =>
        {
            Assert.That(cache.Count, Is.Zero);
            Assert.That(warnings, Has.Count.EqualTo(1));
        });
    }

    [Test]
    public void Host_code_with_a_wrong_checksum_is_ignored_with_one_line()
    {
        Run("x87", []);
        string list = Directory.GetFiles(_directory).Single();
        File.WriteAllText(Path.ChangeExtension(list, RegionCache.CodeSuffix), "no assembly");
        File.WriteAllText(Path.ChangeExtension(list, RegionCache.SumSuffix), new string('0', 64));
        List<string> warnings = [];
        (_, _, long kept) = Run("x87", warnings);
        Assert.Multiple(() =>
        {
            Assert.That(kept, Is.Positive, "compiled again from the list");
            Assert.That(warnings, Has.Count.EqualTo(1));
        });
    }

    [Test]
    public void Host_code_that_is_not_of_its_list_is_ignored_with_one_line([Values("il", "other", "later", "random")] string kind)
    {
        string rom = "x87";
        string path = RunAndCompile(rom);
        byte[] code = File.ReadAllBytes(path + RegionCache.CodeSuffix);
        switch (kind)
        {
            case "il":
                code = File.ReadAllBytes(typeof(RegionCache).Assembly.Location);
                break;
            case "other":
                File.Delete(path + RegionCache.ListSuffix);
                File.Delete(path + RegionCache.CodeSuffix);
                File.Delete(path + RegionCache.SumSuffix);
                path = RunAndCompile(rom = "paging");
                break;
            case "later":
                // The runtime's format, of a major version that is not known here.
                code[code.AsSpan().IndexOf("RTR\0"u8) + 4]++;
                break;
            default:
                new Random(1).NextBytes(code);
                break;
        }

        File.WriteAllBytes(path + RegionCache.CodeSuffix, code);
        File.WriteAllText(path + RegionCache.SumSuffix, Convert.ToHexString(SHA256.HashData(code)));
        List<string> warnings = [];
        (long retired, string output, long kept) = Run(rom, warnings);
        Assert.Multiple(() =>
        {
            Assert.That(kept, Is.Positive, "compiled again from the list");
            Assert.That(_ilBytes, Is.Positive);
            Assert.That(warnings, Has.Count.EqualTo(1));
            Assert.That((retired, output), Is.EqualTo((_firstRetired, _firstOutput)));
        });
    }

    [Test]
    public void Kept_host_code_runs_without_being_compiled_again()
    {
        RunAndCompile("x87");
        List<string> warnings = [];
        long compiled = _ilBytes;
        (long again, string outputAgain, long kept) = Run("x87", warnings);
        Assert.Multiple(() =>
        {
            Assert.That(again, Is.EqualTo(_firstRetired));
            Assert.That(outputAgain, Is.EqualTo(_firstOutput));
            Assert.That(kept, Is.Positive);
            Assert.That(_ilBytes, Is.LessThan(compiled / 4));
            Assert.That(warnings, Is.Empty);
        });
    }

    /// <summary>The runtime's own events tell where it found a method's code when it prepared it: the addresses must be those that we computed.</summary>
    [Test]
    public void Addresses_of_host_code_are_those_that_the_runtime_uses()
    {
        RunAndCompile("x87");
        List<string> warnings = [];
        using EntryPointListener listener = new();
        List<CachedRegion> regions = [.. RegionCache.Load(_directory, RegionCache.Prefix, RegionCache.Identity(CpuModel.Max), warnings.Add).Regions];
        Assert.That(warnings, Is.Empty);
        Dictionary<string, nint> addresses = regions.ToDictionary(r => RegionCache.MethodName(r.Row - 1), r => r.Code!.Prepare(r.Row));
        Assert.That(addresses, Has.Count.GreaterThan(5));
        Assert.That(addresses.Values, Has.None.EqualTo((nint)0));
        for (int i = 0; i < 300 && listener.Addresses.Count < addresses.Count; i++)
        {
            Thread.Sleep(100);
        }

        Assert.That(listener.Addresses, Is.EquivalentTo(addresses));
        Assert.That(regions.Select(r => r.Code!.Prepare(r.Row)), Is.EquivalentTo(addresses.Values), "asked again");
    }

    [Test]
    public void Verification_finds_a_wrong_kept_region()
    {
        Environment.SetEnvironmentVariable(CompilerVariable, _compiler);
        if (RegionCacheWriter.FindCompiler() is null)
        {
            Assert.Ignore("needs the crossgen2 package");
        }

        List<string> warnings = [];
        Assert.That(Verify(warnings), Is.EqualTo(((string?)null, 0L)));
        string path = WaitForCode();
        Environment.SetEnvironmentVariable(CompilerVariable, Path.Combine(_directory, "none"));
        (string? report, long kept) = Verify(warnings);
        Assert.That(kept, Is.Positive);
        Assert.That(_ilBytes, Is.Zero, "runs kept code");
        Assert.That(report, Is.Null);

        // One number in the code is another.
        byte[] code = File.ReadAllBytes(path + RegionCache.CodeSuffix);
        byte[] number = BitConverter.GetBytes(Number);
        int changed = 0;
        for (int at = 0; code.AsSpan(at).IndexOf(number) is var next && next >= 0; at += next + 4, changed++)
        {
            code[at + next] ^= 4;
        }

        Assert.That(changed, Is.Positive);
        // Under another name, because the process has this one mapped.
        File.Move(path + RegionCache.ListSuffix, path + "2" + RegionCache.ListSuffix);
        File.WriteAllBytes(path + "2" + RegionCache.CodeSuffix, code);
        File.WriteAllText(path + "2" + RegionCache.SumSuffix, Convert.ToHexString(SHA256.HashData(code)));
        (report, _) = Verify(warnings);
        Assert.That(report, Does.Contain("* EAX").And.Contain("kept by an earlier run; compiled now, it does not diverge"));
        Assert.That(warnings, Is.Empty);
    }

    /// <summary>A loop in RAM with a number that is nowhere else, verified: what differs, if anything, and how many kept regions ran.</summary>
    private (string? Report, long Kept) Verify(List<string> warnings)
    {
        // again: ADD EAX, Number; ROL EAX, 3; INC ECX; JMP again.
        PcMachine machine = FlatProgram.Machine(FlatProgram.Build((FlatProgram.Code, [0x05, .. BitConverter.GetBytes(Number), 0xC1, 0xC0, 0x03, 0x41, 0xEB, 0xF5])));
        using JitTranslator translator = new(machine.Cpu, new JitOptions { HotThreshold = 2, Verify = true, CacheDirectory = _directory, Warn = warnings.Add });
        translator.Attach();
        machine.Run(5000);
        translator.Keep();
        _ilBytes = translator.IlBytes;
        return (translator.Divergence?.Report, translator.RegionsKept);
    }

    /// <summary>Runs a ROM and waits for the compiler of host code; the path of what was kept, without suffix.</summary>
    private string RunAndCompile(string name)
    {
        Environment.SetEnvironmentVariable(CompilerVariable, _compiler);
        if (RegionCacheWriter.FindCompiler() is null)
        {
            Assert.Ignore("needs the crossgen2 package");
        }

        (_firstRetired, _firstOutput, _) = Run(name, []);
        Environment.SetEnvironmentVariable(CompilerVariable, Path.Combine(_directory, "none"));
        return WaitForCode();
    }

    /// <summary>Waits until the one list has its code; its path without suffix.</summary>
    private string WaitForCode()
    {
        string list = Directory.GetFiles(_directory, "*" + RegionCache.ListSuffix).Single();
        for (int i = 0; i < 600 && !File.Exists(Path.ChangeExtension(list, RegionCache.SumSuffix)); i++)
        {
            Thread.Sleep(100);
        }

        return Path.ChangeExtension(list, null);
    }

    private (long Retired, string Output, long Kept) Run(string name, List<string> warnings)
    {
        Rom rom = RomCatalog.All.Single(r => r.Name == name);
        StringBuilder output = new();
        PcMachine machine = RomRunner.CreateMachine(rom);
        JitOptions jit = new() { HotThreshold = 2, Background = false, CacheDirectory = _directory, Warn = warnings.Add };
        using JitTranslator translator = new(machine.Cpu, jit);
        translator.Attach();
        using HeadlessRunner runner = new(machine, new HeadlessOptions
        {
            MaxInstructions = rom.MaxInstructions,
            StopOnHalt = true,
            DebugOutput = value => output.Append((char)value),
        });
        runner.Run();
        translator.Keep();
        _ilBytes = translator.IlBytes;
        return (machine.Cpu.Retired, output.ToString(), translator.RegionsKept);
    }

    private sealed class EntryPointListener : EventListener
    {
        private const EventKeywords CompilationDiagnostic = (EventKeywords)0x2000000000;

        public ConcurrentDictionary<string, nint> Addresses { get; } = new();

        protected override void OnEventSourceCreated(EventSource eventSource)
        {
            if (eventSource.Name == "Microsoft-Windows-DotNETRuntime")
            {
                EnableEvents(eventSource, EventLevel.Verbose, CompilationDiagnostic);
            }
        }

        protected override void OnEventWritten(EventWrittenEventArgs eventData)
        {
            if (eventData is { EventName: not null, PayloadNames: not null, Payload: not null } && eventData.EventName.StartsWith("R2RGetEntryPoint", StringComparison.Ordinal)
                && eventData.PayloadNames.IndexOf("EntryPoint") is var entry && entry >= 0
                && (string)eventData.Payload[eventData.PayloadNames.IndexOf("MethodNamespace")]! == RegionCache.TypeName)
            {
                Addresses[(string)eventData.Payload[eventData.PayloadNames.IndexOf("MethodName")]!] = (nint)Convert.ToInt64(eventData.Payload[entry], CultureInfo.InvariantCulture);
            }
        }
    }
}
