// A small VST3 for the tests: gain in dB, polarity, 100 samples of latency that it reports.
// TRIM_MISBEHAVE=crash|hang in the environment makes it misbehave while it is loaded, =block on its first block.
#include "DistrhoPlugin.hpp"
#include <cmath>
#include <cstdlib>
#include <cstring>

START_NAMESPACE_DISTRHO

class Trim : public Plugin
{
    static const int kDelay = 100;
    float fGain = 0.0f, fInvert = 0.0f, fLine[2][kDelay];
    int fAt = 0;

    static bool misbehaves(const char* how)
    {
        const char* const wanted = std::getenv("TRIM_MISBEHAVE");
        return wanted != nullptr && std::strcmp(wanted, how) == 0;
    }

public:
    Trim() : Plugin(2, 0, 0)
    {
        if (misbehaves("crash"))
            std::abort();
        while (misbehaves("hang")) {}
        std::memset(fLine, 0, sizeof(fLine));
        setLatency(kDelay);
    }

protected:
    const char* getLabel() const override { return "Trim"; }
    const char* getMaker() const override { return "voxrack tests"; }
    const char* getLicense() const override { return "MIT"; }
    uint32_t getVersion() const override { return d_version(1, 0, 0); }
    int64_t getUniqueId() const override { return d_cconst('T', 'r', 'i', 'm'); }

    void initParameter(uint32_t index, Parameter& parameter) override
    {
        parameter.hints = kParameterIsAutomatable | (index == 1 ? kParameterIsBoolean : 0);
        parameter.name = index == 0 ? "Gain" : "Invert";
        parameter.symbol = index == 0 ? "gain" : "invert";
        parameter.unit = index == 0 ? "dB" : "";
        parameter.ranges.def = 0.0f;
        parameter.ranges.min = index == 0 ? -60.0f : 0.0f;
        parameter.ranges.max = index == 0 ? 20.0f : 1.0f;
    }

    float getParameterValue(uint32_t index) const override { return index == 0 ? fGain : fInvert; }
    void setParameterValue(uint32_t index, float value) override { (index == 0 ? fGain : fInvert) = value; }

    void activate() override
    {
        std::memset(fLine, 0, sizeof(fLine));
        fAt = 0;
    }

    void run(const float** inputs, float** outputs, uint32_t frames) override
    {
        if (misbehaves("block"))
            std::abort();
        const float gain = std::pow(10.0f, fGain / 20.0f) * (fInvert > 0.5f ? -1.0f : 1.0f);
        for (uint32_t i = 0; i < frames; ++i, fAt = (fAt + 1) % kDelay)
            for (int c = 0; c < 2; ++c)
            {
                const float delayed = fLine[c][fAt];
                fLine[c][fAt] = inputs[c][i];
                outputs[c][i] = delayed * gain;
            }
    }
};

Plugin* createPlugin() { return new Trim(); }

END_NAMESPACE_DISTRHO
