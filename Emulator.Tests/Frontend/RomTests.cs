using Emulator.Frontend.Roms;
using NUnit.Framework;
using TestRoms;

namespace Emulator.Tests.Frontend;

/// <summary>Every test ROM on every engine: interpreted, with every instruction a call of its own, and translated.</summary>
internal sealed class RomTests
{
    [Test]
    public void Rom_passes([ValueSource(typeof(RomCatalog), nameof(RomCatalog.All))] Rom rom, [Values] RomEngine engine)
    {
        RomResult result = RomRunner.Run(rom, engine);
        Assert.That(result.Failure, Is.Null, result.Output);
        TestContext.Out.WriteLine($"{result.Instructions} instructions");
    }
}
