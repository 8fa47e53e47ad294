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
    private const string CompilerVariable = "EMULATOR_CROSSGEN2";
    private string _directory = null!;
    private string? _compiler;

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
        RegionCache cache = RegionCache.Load(_directory, "another build", warnings.Add);
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
        return (machine.Cpu.Retired, output.ToString(), translator.RegionsKept);
    }
}
